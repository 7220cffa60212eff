-- Shared by all scripts of this folder (put before each when they are embedded).

local call = redis.call

local function now_ms()
    local t = call('TIME')
    return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function refuse(word, text)
    return redis.error_reply(word .. ' ' .. text)
end

-- nil where key is absent or of the wanted type, else an error to return: nothing was written yet.
local function wrong_type(key, want)
    local t = call('TYPE', key).ok
    if t ~= 'none' and t ~= want then
        return refuse('KEYTYPE', key .. ' holds a ' .. t .. ', wanted a ' .. want)
    end
end

-- A command that the ACL refuses in the middle would leave half a step: asked before the first write. nil where all of
-- them may run, else an error to return.
local function denied(key, ...)
    for i = 1, select('#', ...) do
        local word = select(i, ...)
        if not redis.acl_check_cmd(word, key) then
            return refuse('NOPERM', 'the ACL of this user lacks ' .. word .. ' on ' .. key .. ': nothing was written')
        end
    end
end

-- XACK and XCLAIM ask nobody whose an entry is: every script that touches a message in hand asks here first.
local function is_owned(stream, group, consumer, id)
    local p = call('XPENDING', stream, group, id, id, 1)
    return p[1] ~= nil and p[1][2] == consumer
end

-- Devices of a message, from its head: "n" stands before the devices, behind fixed members only.
local function devices_of(body)
    return tonumber(string.match(string.sub(body, 1, 512), '"n":(%d+)')) or 0
end

-- XACK and XDEL; counts down, and sets the count right where the stream is empty.
local function take_off(stream, group, ids, count_key, devices)
    call('XACK', stream, group, unpack(ids))
    call('XDEL', stream, unpack(ids))
    if call('XLEN', stream) == 0 then
        call('HSET', count_key, 'stream', 0)
    elseif devices > 0 then -- Lua's -0 is no integer to HINCRBY
        call('HINCRBY', count_key, 'stream', -devices)
    end
end

local function put_on(stream, field, count_key, body, devices)
    call('XADD', stream, '*', field, body)
    call('HINCRBY', count_key, 'stream', devices)
end

-- The streams that a stage reads.
local function streams_of(prefix, stage)
    return { prefix .. (stage == 'validate' and 'ingest' or stage) }
end

-- Calls see(body, is_ingest) for each message of these stages: waiting, in hand, parked. Some at a time, since each may
-- be large; all within the script, so that nothing moves meanwhile.
local function each_message(prefix, stages, see)
    for _, stage in ipairs(stages) do
        for _, stream in ipairs(streams_of(prefix, stage)) do
            local from = '-'
            repeat
                local found = call('XRANGE', stream, from, '+', 'COUNT', 50)
                for _, entry in ipairs(found) do
                    see(entry[2][2], stage == 'validate')
                    from = '(' .. entry[1]
                end
            until #found == 0
        end
        local at = 0
        repeat
            local found = call('ZRANGE', prefix .. 'retry:' .. stage, at, at + 49)
            for _, body in ipairs(found) do see(body, stage == 'validate') end
            at = at + 50
        until #found == 0
    end
end

-- What of a run stands anywhere: the rows on their way (as a set, and how many), and the batches that stand in ingest, or
-- parked for validate, and are not registered yet (the same).
local function whereabouts(prefix, run, stages)
    local head, batches_key = '"run":"' .. run .. '"', prefix .. 'run:' .. run .. ':batches'
    local rows, n_rows, batches, n_batches = {}, 0, {}, 0
    each_message(prefix, stages, function(body, is_ingest)
        if is_ingest then
            if not string.find(body, run, 1, true) then return end
            local is_json, batch = pcall(cjson.decode, body)
            if not is_json or type(batch) ~= 'table' or batch.run ~= run then return end
            if type(batch.part) ~= 'table' then -- a part's batch is registered
                local number = string.format('%.0f', tonumber(batch.batch) or 1)
                if not batches[number] and call('HEXISTS', batches_key, number) == 0 then
                    batches[number], n_batches = true, n_batches + 1
                end
                return
            end
        elseif not string.find(string.sub(body, 1, 512), head, 1, true) then
            return
        end
        for row in string.gmatch(body, '"row":(%d+)') do -- quotes inside a string are escaped
            if not rows[row] then rows[row], n_rows = true, n_rows + 1 end
        end
    end)
    return rows, n_rows, batches, n_batches
end

local all_stages = { 'validate', 'import', 'assign', 'verify', 'audit' }

-- The keys that a walk over all messages reads are what they should be.
local function wrong_message_type(prefix)
    local bad
    for _, stage in ipairs(all_stages) do
        for _, stream in ipairs(streams_of(prefix, stage)) do bad = bad or wrong_type(stream, 'stream') end
        bad = bad or wrong_type(prefix .. 'retry:' .. stage, 'zset')
    end
    return bad
end

-- How many batches of a run validate has still to see. Rare (cancel and forced close) and bounded by its backlog.
local function batches_under_way(prefix, run)
    local _, _, _, count = whereabouts(prefix, run, { 'validate' })
    return count
end

-- Starts the closing of a run whose batches all came and whose devices all ended. A cancelled or forced run waits only for
-- those that were under way when that was said (awaited).
local function maybe_close(prefix, run, uid)
    local key = prefix .. 'run:' .. run
    local r = call('HMGET', key, 'state', 'batches', 'come', 'expected', 'ended', 'awaited')
    if r[1] ~= 'open' or (tonumber(r[4]) or 0) ~= (tonumber(r[5]) or 0) then return false end
    if (tonumber(r[3]) or 0) < (tonumber(r[6] or r[2]) or 1) then return false end
    call('HSET', key, 'state', 'closing')
    call('XADD', prefix .. 'audit', '*', 'm',
        '{"version":1,"uid":"' .. uid .. '","run":"' .. run .. '","n":0,"close":true}')
    return true
end

-- A letter of `serial` was laid (by = 1) or removed (by = -1); run: who finished the serial last, nil: as it was.
local function letters_count(prefix, serial, by, run)
    local key = prefix .. 'letters'
    local held = call('HGET', key, serial)
    local count, last = 0, run
    if held then
        count = tonumber(string.match(held, '^%d+') or 0)
        if not run then last = string.match(held, ' (.*)$') end
    end
    count = count + by
    if count <= 0 then
        call('HDEL', key, serial)
    else
        call('HSET', key, serial, count .. ' ' .. (last or ''))
    end
end
