-- Shared by all scripts of this folder (put before each when they are embedded).

local call = redis.call

-- In a cluster, a node whose slot is on its way to another refuses each key that is not there (any more, or yet), also in
-- the middle of a script, and Lua does not roll back. So nothing runs on half a slot: a key that never exists tells. The
-- caller waits, as for a TRYAGAIN of the node's own (cluster.c).
local absent = redis.pcall('EXISTS', KEYS[1] .. ':none')
if type(absent) == 'table' and absent.err and string.find(absent.err, 'non local key', 1, true) then
    return redis.error_reply('TRYAGAIN the slot is moving to another node: nothing was written')
end

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

-- What a command takes behind its key. Since 7.2 redis.acl_check_cmd wants as many arguments as the command, where 7.0
-- looks at the key alone.
local behind_key = {
    DEL = 0, UNLINK = 0, EXISTS = 0, GET = 0, INCR = 0, TYPE = 0, XLEN = 0, ZCARD = 0, SMEMBERS = 0, SRANDMEMBER = 0,
    HGETALL = 0, HKEYS = 0, HVALS = 0, HLEN = 0, HGET = 1, HMGET = 1, HDEL = 1, HEXISTS = 1, HSCAN = 1, SET = 1, SADD = 1,
    SREM = 1, SISMEMBER = 1, PEXPIRE = 1, XDEL = 1, ZREM = 1, HSET = 2, HSETNX = 2, HINCRBY = 2, ZADD = 2, ZRANGE = 2,
    ZCOUNT = 2, ZRANGEBYSCORE = 2, ZREMRANGEBYSCORE = 2, XACK = 2, XRANGE = 2, XADD = 3, XCLAIM = 4, TIME = -1, SCAN = -1,
}

local fillers = { [0] = {}, { '0' }, { '0', '0' }, { '*', '0', '0' }, { '0', '0', '0', '0' } } -- '*': an id, of XADD

-- A command that the ACL refuses in the middle would leave half a step: asked before the first write. nil where all of
-- them may run, else an error to return.
local function denied(key, ...)
    for i = 1, select('#', ...) do
        local word = select(i, ...)
        local n, may = behind_key[word], nil
        if not n then return refuse('ERR', 'denied: ' .. word .. ' is not in its table') end
        if n >= 0 then
            may = redis.acl_check_cmd(word, key, unpack(fillers[n]))
        elseif word == 'SCAN' then
            may = redis.acl_check_cmd(word, '0')
        else
            may = redis.acl_check_cmd(word)
        end
        if not may then
            return refuse('NOPERM', 'the ACL of this user lacks ' .. word .. ' on ' .. key .. ': nothing was written')
        end
    end
end

-- A stage's messages wait in several streams, its lanes (common/queue/lanes.h): the one that DESIGN.md names, further ones
-- so that runs take turns, one for what was parked and is due, one for what is urgent. A message in hand is named ID, or
-- ID@LANE where it stands in another than the first.
local TURNS = 8
local LANES = { '0', '1', '2', '3', '4', '5', '6', '7', 'due', 'urgent' }

-- stream: the stage's first
local function lane_key(stream, lane)
    if lane == '0' then return stream end
    local prefix, stage = string.match(stream, '^(.*:)([^:]*)$')
    return prefix .. 'lane:' .. (stage == 'ingest' and 'validate' or stage) .. ':' .. lane
end

local function place_of(stream, id)
    local raw, lane = string.match(id, '^([^@]*)@(.+)$')
    if not raw then return stream, id, '0' end
    return lane_key(stream, lane), raw, lane
end

local function name_of(lane, id)
    return lane == '0' and id or id .. '@' .. lane
end

-- XACK and XCLAIM ask nobody whose an entry is: every script that touches a message in hand asks here first.
local function is_owned(stream, group, consumer, id)
    local key, raw = place_of(stream, id)
    local p = call('XPENDING', key, group, raw, raw, 1)
    return p[1] ~= nil and p[1][2] == consumer
end

-- Devices of a message, from its head: "n" stands before the devices, behind fixed members only.
local function devices_of(body)
    return tonumber(string.match(string.sub(body, 1, 512), '"n":(%d+)')) or 0
end

-- Messages in all lanes of a stage.
local function messages_in(stream)
    local count = 0
    for _, lane in ipairs(LANES) do count = count + call('XLEN', lane_key(stream, lane)) end
    return count
end

-- XACK and XDEL; counts down, and sets the count right where the stage's streams are empty.
local function take_off(stream, group, ids, count_key, devices)
    local keys, raws = {}, {}
    for _, id in ipairs(ids) do
        local key, raw = place_of(stream, id)
        if not raws[key] then
            keys[#keys + 1], raws[key] = key, {}
        end
        table.insert(raws[key], raw)
    end
    local is_empty = true
    for _, key in ipairs(keys) do
        call('XACK', key, group, unpack(raws[key]))
        call('XDEL', key, unpack(raws[key]))
        is_empty = is_empty and call('XLEN', key) == 0
    end
    local left -- Lua's -0 is no integer to HINCRBY
    if devices > 0 then
        left = call('HINCRBY', count_key, 'stream', -devices)
    elseif is_empty then
        left = tonumber(call('HGET', count_key, 'stream') or 0)
    end
    -- Ten lanes are looked into only where the count can be wrong.
    if is_empty and left ~= 0 and messages_in(stream) == 0 then call('HSET', count_key, 'stream', 0) end
end

local function run_of(body)
    return string.match(string.sub(body, 1, 512), '"run":"([^"\\]+)"')
end

-- The stream of a stage in which a message waits for its turn: its run's lane. First checked, then written to: with an
-- error to return in place of the second value.
local function stream_for(prefix, stream, body)
    local bad = wrong_type(prefix .. 'runs:lane', 'hash')
    if bad then return nil, bad end
    local run = run_of(body)
    local key = lane_key(stream, run and call('HGET', prefix .. 'runs:lane', run) or '0')
    return key, wrong_type(key, 'stream')
end

-- The lane of a batch in ingest; the run may not be registered yet.
local function lane_of_batch(prefix, body)
    local head = string.sub(body, 1, 512)
    local run = run_of(body)
    local lane = run and call('HGET', prefix .. 'runs:lane', run)
    return lane or (string.find(head, '"urgent":%s*true') and 'urgent') or '0'
end

-- Of two stream ids.
local function is_before(a, b)
    local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
    local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
    if tonumber(a_ms) ~= tonumber(b_ms) then return tonumber(a_ms) < tonumber(b_ms) end
    return tonumber(a_seq) < tonumber(b_seq)
end

local function put_on(stream, field, count_key, body, devices)
    call('XADD', stream, '*', field, body)
    call('HINCRBY', count_key, 'stream', devices)
end

-- The lane of a run from now on: the urgent one, or of the others the one with the fewest open runs, the first where they
-- are alike - so that a run alone uses the streams that everybody knows.
local function lane_take(prefix, run, is_urgent)
    local key, counts = prefix .. 'runs:lane', prefix .. 'runs:lanes'
    local had = call('HGET', key, run)
    if had then return had end
    local lane, fewest = 'urgent', nil
    if not is_urgent then
        for i, count in ipairs(call('HMGET', counts, unpack(LANES, 1, TURNS))) do
            count = tonumber(count) or 0
            if not fewest or count < fewest then lane, fewest = LANES[i], count end
        end
    end
    call('HSET', key, run, lane)
    call('HINCRBY', counts, lane, 1)
    return lane
end

local function lane_leave(prefix, run)
    local key, counts = prefix .. 'runs:lane', prefix .. 'runs:lanes'
    local lane = call('HGET', key, run)
    if not lane then return end
    call('HDEL', key, run)
    call('HINCRBY', counts, lane, -1)
    if call('EXISTS', key) == 0 then call('DEL', counts) end -- sets right what was counted wrong
end

-- The streams that a stage reads.
local function streams_of(prefix, stage)
    local streams = {}
    for i, lane in ipairs(LANES) do
        streams[i] = lane_key(prefix .. (stage == 'validate' and 'ingest' or stage), lane)
    end
    return streams
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

-- Calls see(row) for each device of a message, without parsing it: a quote inside a string is escaped.
local function each_row(body, see)
    local _, at = string.find(body, '"row":', 1, true)
    while at do
        see(string.match(body, '^%d+', at + 1))
        _, at = string.find(body, '"row":', at, true)
    end
end

-- What of a run stands anywhere: how many devices, and how many batches that are in ingest, or parked for validate, and not
-- registered yet; then the rows and the numbers of the batches, as sets. Rows are told where wants_rows says so: where
-- 200,000 devices are on their way, half of them the run's, that took 0.3 s, and to count them 0.1 s.
local function whereabouts(prefix, run, stages, wants_rows)
    local head, batches_key = '"run":"' .. run .. '"', prefix .. 'run:' .. run .. ':batches'
    local rows, n_rows, batches, n_batches = {}, 0, {}, 0
    local function add(row)
        if row and not rows[row] then rows[row], n_rows = true, n_rows + 1 end
    end
    each_message(prefix, stages, function(body, is_ingest)
        if is_ingest then
            if not string.find(body, run, 1, true) then return end
            local is_json, batch = pcall(cjson.decode, body)
            if not is_json or type(batch) ~= 'table' or batch.run ~= run then return end
            if type(batch.part) == 'table' then -- its batch is registered
                each_row(body, add)
                return
            end
            local number = string.format('%.0f', tonumber(batch.batch) or 1)
            if not batches[number] and call('HEXISTS', batches_key, number) == 0 then
                batches[number], n_batches = true, n_batches + 1
            end
        elseif string.find(string.sub(body, 1, 512), head, 1, true) then
            if wants_rows then each_row(body, add) else n_rows = n_rows + devices_of(body) end
        end
    end)
    return n_rows, n_batches, rows, batches
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
    local _, count = whereabouts(prefix, run, { 'validate' })
    return count
end

-- Starts the closing of a run whose batches all came and whose devices all ended. A cancelled or forced run waits only for
-- those that were under way when that was said (awaited).
local function maybe_close(prefix, run, uid)
    local key = prefix .. 'run:' .. run
    local r = call('HMGET', key, 'state', 'batches', 'come', 'expected', 'ended', 'awaited')
    if r[1] ~= 'open' or (tonumber(r[4]) or 0) ~= (tonumber(r[5]) or 0) then return false end
    if (tonumber(r[3]) or 0) < (tonumber(r[6] or r[2]) or 1) then return false end
    local body = '{"version":1,"uid":"' .. uid .. '","run":"' .. run .. '","n":0,"close":true}'
    local stream = stream_for(prefix, prefix .. 'audit', body)
    call('HSET', key, 'state', 'closing')
    call('XADD', stream or prefix .. 'audit', '*', 'm', body)
    return true
end

-- Nothing is sent for a run that is paused, by an operator's hand or a brake (`by`), until somebody resumes it. A pause that
-- lasts goes on under its new reason.
local function pause_run(prefix, run, by, reason, now)
    local key = prefix .. 'run:' .. run
    local since = call('HGET', key, 'paused_since') or string.format('%.0f', now)
    call('HSET', key, 'paused_since', since, 'paused_by', by, 'paused_reason', reason)
    call('HSET', prefix .. 'runs:paused', run, since .. ' ' .. reason)
    return tonumber(since) or now
end

-- -> ms that it lasted; nil: it was not paused
local function unpause_run(prefix, run, now)
    local key = prefix .. 'run:' .. run
    local is_paused = call('HDEL', prefix .. 'runs:paused', run) == 1
    local since = call('HGET', key, 'paused_since')
    if since then call('HDEL', key, 'paused_since', 'paused_by', 'paused_reason') end
    if not since and not is_paused then return nil end
    return math.max(0, now - (tonumber(since) or now))
end

-- The rows of a run of which nobody knows yet whether they have an assignment: not weighed (weigh.lua), and those of batches
-- that have not come, which hold at most 1,000 each.
local function count_unseen(expected, weighed, batches, come, awaited)
    local missing = math.max(0, (tonumber(awaited or batches) or 1) - (tonumber(come) or 0))
    return math.max(0, (tonumber(expected) or 0) - (tonumber(weighed) or 0)) + 1000 * missing
end

-- `run:R:weights`: a character a row, in fields of 64 rows, so that a row is weighed once whatever becomes of its message.
local weights = {}

function weights.open(prefix, run) return { key = prefix .. 'run:' .. run .. ':weights', fields = {} } end

-- The field of a row, as a list of its characters; and the row's place in it.
local function weights_place(w, row)
    local at = row % 64
    local number = (row - at) / 64
    local field = w.fields[number]
    if not field then
        local text = call('HGET', w.key, string.format('%.0f', number)) or ''
        field = { letters = {}, len = #text }
        for i = 1, #text do field.letters[i] = string.sub(text, i, i) end
        w.fields[number] = field
    end
    return field, at + 1
end

-- ' ' where it was not weighed
function weights.get(w, row)
    local field, at = weights_place(w, row)
    return field.letters[at] or ' '
end

function weights.set(w, row, weight)
    local field, at = weights_place(w, row)
    for i = field.len + 1, at - 1 do field.letters[i] = ' ' end
    field.len = math.max(field.len, at)
    field.letters[at] = weight
    field.is_changed = true
end

function weights.save(w)
    for number, field in pairs(w.fields) do
        if field.is_changed then call('HSET', w.key, string.format('%.0f', number), table.concat(field.letters)) end
    end
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
