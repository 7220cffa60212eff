#!lua flags=allow-oom
-- Retention: what is not kept any more goes, some of it a call, on Redis's clock. Open runs never go, nor do those of which
-- a dead letter needs a person. Each list is walked by a cursor in `trim`, so that what stays holds nobody up.
-- KEYS: trim, runs. ARGV: prefix, keep ms, every ms (a call sooner does nothing), most runs to look at
-- -> {is there more to be done at once (0/1), run, ...} (the runs that went)
local prefix, keep, every, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now = now_ms()
local run_hashes, pushed_key, named_key = prefix .. 'run:', prefix .. 'pushed', prefix .. 'rules:named'
local bad = wrong_type(KEYS[1], 'hash') or wrong_type(KEYS[2], 'zset') or wrong_type(pushed_key, 'hash')
    or wrong_type(named_key, 'hash') or wrong_type(prefix .. 'workers', 'hash')
    or wrong_type(prefix .. 'runs:open', 'hash') or wrong_type(prefix .. 'runs:cancelled', 'set')
    or wrong_type(prefix .. 'runs:paused', 'hash') or wrong_type(prefix .. 'runs:lane', 'hash') or wrong_type(prefix .. 'runs:lanes', 'hash') or wrong_message_type(prefix)
    or denied(KEYS[1], 'HMGET', 'HGET', 'HSET', 'HDEL', 'HINCRBY', 'HKEYS', 'HSCAN', 'HEXISTS', 'SCAN', 'ZRANGE', 'ZREM',
        'SREM', 'SRANDMEMBER', 'HVALS', 'UNLINK', 'DEL', 'XLEN', 'EXISTS', 'XRANGE')
for _, stage in ipairs(all_stages) do bad = bad or wrong_type(prefix .. 'dead:' .. stage, 'stream') end
if bad then return bad end
local state = call('HMGET', KEYS[1], 'at', 'runs', 'pushed', 'workers', 'notes')
if state[1] and now - tonumber(state[1]) < every and now >= tonumber(state[1]) then return { 0 } end

-- A mapping goes with the last run, or record of a push, that names it.
local function drop_rules(sha256)
    if (tonumber(call('HGET', named_key, sha256)) or 0) > 0 then return end
    for _, field in ipairs(call('HKEYS', pushed_key)) do
        if string.sub(field, -#sha256) == sha256 then return end
    end
    call('HDEL', named_key, sha256)
    call('UNLINK', prefix .. 'rules:' .. sha256)
end

local function drop_run(run, num, mapping)
    local key = run_hashes .. run
    call('UNLINK', key, key .. ':batches', key .. ':parts', key .. ':weights')
    call('HDEL', prefix .. 'runs:open', num or '')
    call('SREM', prefix .. 'runs:cancelled', run)
    call('HDEL', prefix .. 'runs:paused', run)
    lane_leave(prefix, run)
    call('ZREM', KEYS[2], run)
    -- One that was never counted (by an older version) stays.
    if mapping and call('HEXISTS', named_key, mapping) == 1 then
        call('HINCRBY', named_key, mapping, -1)
        drop_rules(mapping)
    end
end

local out, at = { 0 }, tonumber(state[2]) or 0
local found = call('ZRANGE', KEYS[2], at, at + most - 1, 'WITHSCORES')
for i = 1, #found, 2 do
    local run, key = found[i], run_hashes .. found[i]
    if tonumber(found[i + 1]) > now - keep then -- those behind it are younger still
        found = {}
        break
    end
    local r = wrong_type(key, 'hash') and { 'open' } or call('HMGET', key, 'state', 'closed', 'dead', 'num', 'mapping_sha256')
    local is_over = r[1] ~= 'open' and r[1] ~= 'closing' and (tonumber(r[2]) or 0) <= now - keep
    if is_over and (tonumber(r[3]) or 0) <= 0 then
        drop_run(run, r[4], r[5])
        out[#out + 1] = run
    else
        at = at + 1
    end
end
if #found == most * 2 then out[1] = 1 else at = 0 end

-- As begin_push.lua judges it: alive while its run is open, or for as long as keep where no batch of it has come.
local pushed = call('HSCAN', pushed_key, state[3] or '0', 'COUNT', 50)
for i = 1, #pushed[2], 2 do
    local run, since = string.match(pushed[2][i + 1], '^(%S+) (%d+) ')
    local its = run and not wrong_type(run_hashes .. run, 'hash') and call('HGET', run_hashes .. run, 'state')
    if not run or (its and its ~= 'open' and its ~= 'closing') or (not its and now - tonumber(since) >= keep) then
        call('HDEL', pushed_key, pushed[2][i])
        if run and not its then lane_leave(prefix, run) end
        drop_rules(string.match(pushed[2][i], '([^:]*)$'))
    end
end

-- A worker that was killed before it had read anything is removed by nobody else (reclaim.lua).
local workers = call('HSCAN', prefix .. 'workers', state[4] or '0', 'COUNT', 50)
for i = 1, #workers[2], 2 do
    local beat = tonumber(string.match(workers[2][i + 1], '"at":(%d+)')) or 0
    if now - beat >= 600000 then call('HDEL', prefix .. 'workers', workers[2][i]) end
end

-- A note whose devices no open run holds belongs to a message that somebody removed.
local notes = call('SCAN', state[5] or '0', 'MATCH', prefix .. 'note:*', 'COUNT', 200)
local c, broken = claims.open(prefix)
for _, key in ipairs(notes[2]) do
    local is_held = broken ~= nil or wrong_type(key, 'hash') ~= nil
    for _, serial in ipairs(is_held and {} or call('HKEYS', key)) do
        local num = string.match(claims.get(c, serial) or '', '^(%d+):%d+$')
        is_held = is_held or (num ~= nil and call('HEXISTS', prefix .. 'runs:open', num) == 1)
    end
    if not is_held then call('UNLINK', key) end
end

-- A run that was cancelled before any batch of it came, and none will.
for _, run in ipairs(call('SRANDMEMBER', prefix .. 'runs:cancelled', 5)) do
    if call('EXISTS', run_hashes .. run) == 0 then
        local is_pushed = batches_under_way(prefix, run) > 0
        for _, record in ipairs(call('HVALS', pushed_key)) do
            is_pushed = is_pushed or string.match(record, '^%S+') == run
        end
        if not is_pushed then call('SREM', prefix .. 'runs:cancelled', run) end
    end
end

local letters = 0
for _, stage in ipairs(all_stages) do letters = letters + call('XLEN', prefix .. 'dead:' .. stage) end
if letters == 0 then call('UNLINK', prefix .. 'letters') end

call('HSET', KEYS[1], 'runs', at, 'pushed', pushed[1], 'workers', workers[1], 'notes', notes[1])
if out[1] == 0 then call('HSET', KEYS[1], 'at', string.format('%.0f', now)) end
return out
