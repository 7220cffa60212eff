#!lua flags=allow-oom
-- One look at everything a worker must know between two reads; moves what is due, for all stages.
-- KEYS: pause:STAGE, pause:api, count:STAGE, count:NEXT, STREAM of next, workers, held, runs:cancelled, retry:NEXT, STREAM,
--       runs:paused
-- ARGV: prefix, consumer, heartbeat ('' none), max moves, can_probe (0/1), probe_ms, group
-- -> now, next due (0 none), moved, pause since+reason, breaker text, breaker since, is_probe_ours,
--    next backlog, next parked, stalled ms, cancelled runs, messages of each lane that nobody has read,
--    messages of each lane of next, paused runs (run, since and reason)
local prefix, consumer = ARGV[1], ARGV[2]
local now = now_ms()
local stages = { 'validate', 'import', 'assign', 'verify', 'audit' }
local next_due, moved, left = 0, 0, tonumber(ARGV[4])
local lanes = prefix .. 'runs:lane'

for _, stage in ipairs(stages) do
    local zset, count = prefix .. 'retry:' .. stage, prefix .. 'count:' .. stage
    local stream, field = prefix .. stage, 'm'
    if stage == 'validate' then stream, field = prefix .. 'ingest', 'batch' end
    local due_key, urgent_key = lane_key(stream, 'due'), lane_key(stream, 'urgent')
    -- A key of the wrong type is somebody's mistake: what is parked stays until it is mended.
    local is_sound = not (wrong_type(zset, 'zset') or wrong_type(count, 'hash') or wrong_type(due_key, 'stream')
        or wrong_type(urgent_key, 'stream') or wrong_type(lanes, 'hash'))
    if left > 0 and is_sound then
        local due = call('ZRANGEBYSCORE', zset, '-inf', now, 'LIMIT', 0, left)
        local bad = #due > 0 and denied(zset, 'XADD', 'HINCRBY', 'ZREM', 'EXISTS', 'HSET')
        if bad then return bad end
        for _, body in ipairs(due) do
            local n, run = field == 'm' and devices_of(body) or 0, run_of(body)
            local is_urgent = run and call('HGET', lanes, run) == 'urgent'
            put_on(is_urgent and urgent_key or due_key, field, count, body, n)
            call('ZREM', zset, body)
            if n > 0 then call('HINCRBY', count, 'parked', -n) end
        end
        moved, left = moved + #due, left - #due
        if #due > 0 and call('EXISTS', zset) == 0 then call('HSET', count, 'parked', 0) end
    end
    local first = is_sound and call('ZRANGE', zset, 0, 0, 'WITHSCORES') or {}
    if first[2] and (next_due == 0 or tonumber(first[2]) < next_due) then next_due = tonumber(first[2]) end
end

-- Claims kept on against late writes, whose time has come.
local ended = not wrong_type(KEYS[7], 'zset') and call('ZRANGEBYSCORE', KEYS[7], '-inf', now, 'LIMIT', 0, 200) or {}
local c = #ended > 0 and claims.open(prefix) -- nil where it is spoiled: a settle says so, they wait until it is mended
if c then
    local bad = denied(KEYS[7], 'HGETALL', 'HLEN', 'HDEL', 'ZREM', 'HSET', 'DEL')
    if bad then return bad end
    for _, serial in ipairs(ended) do
        local key = claims.key(c, serial)
        local held = redis.pcall('HGET', key, serial)
        local till = type(held) == 'string' and string.match(held, '@(%d+)$')
        if till and tonumber(till) <= now then claims.del(c, key, serial) end
        if type(held) ~= 'table' then call('ZREM', KEYS[7], serial) end
    end
    claims.save(c)
end

if ARGV[3] ~= '' then call('HSET', KEYS[6], consumer, ARGV[3]) end

local pause = call('HMGET', KEYS[1], 'since', 'by', 'reason')
local breaker = call('HMGET', KEYS[2], 'since', 'text', 'probe_at')
local stalled = (tonumber(call('HGET', KEYS[3], 'stalled')) or 0)
    + (tonumber(call('HGET', prefix .. 'cache:health', 'stalled')) or 0)
if pause[1] then stalled = stalled + now - tonumber(pause[1]) end
local probe = 0
if breaker[1] then
    stalled = stalled + now - tonumber(breaker[1])
    if ARGV[5] == '1' and now >= (tonumber(breaker[3]) or 0) then
        call('HSET', KEYS[2], 'probe_at', now + tonumber(ARGV[6]))
        probe = 1
    end
end

-- Producers write to ingest alone. Where several runs wait there, those that have a lane go into it, each message looked
-- at once, so that they take turns here too.
local function sort_ingest()
    local counts, delivered = prefix .. 'runs:lanes', '0-0'
    for _, g in ipairs(call('XINFO', 'GROUPS', KEYS[10])) do
        for i = 1, #g, 2 do
            if g[i] == 'last-delivered-id' then delivered = g[i + 1] end
        end
    end
    local from = call('HGET', counts, 'sorted') or '0-0'
    if is_before(from, delivered) then from = delivered end
    for _, entry in ipairs(call('XRANGE', KEYS[10], '(' .. from, '+', 'COUNT', 20)) do
        local lane = lane_of_batch(prefix, entry[2][2])
        if lane ~= '0' and not wrong_type(lane_key(KEYS[10], lane), 'stream') then
            call('XADD', lane_key(KEYS[10], lane), '*', 'batch', entry[2][2])
            call('XDEL', KEYS[10], entry[1])
        end
        call('HSET', counts, 'sorted', entry[1])
    end
end
if ARGV[7] == 'validate' and call('XLEN', KEYS[10]) > 1 and not denied(KEYS[10], 'XADD', 'XDEL', 'HSET', 'XRANGE') then
    sort_ingest()
end

local waiting, ahead, next_messages = {}, {}, 0
for i, lane in ipairs(LANES) do
    local key = lane_key(KEYS[10], lane)
    waiting[i] = call('XLEN', key)
    if waiting[i] > 0 then waiting[i] = math.max(0, waiting[i] - call('XPENDING', key, ARGV[7])[1]) end
    ahead[i] = call('XLEN', lane_key(KEYS[5], lane))
    next_messages = next_messages + ahead[i]
end

local nxt = call('HMGET', KEYS[4], 'stream', 'parked')
return {
    now, next_due, moved,
    pause[1] and ('paused by ' .. (pause[2] or '?') .. ': ' .. (pause[3] or '')) or '',
    breaker[1] and (breaker[2] or '?') or '', breaker[1] and tonumber(breaker[1]) or 0, probe,
    next_messages == 0 and 0 or (tonumber(nxt[1]) or 0),
    call('EXISTS', KEYS[9]) == 0 and 0 or (tonumber(nxt[2]) or 0),
    stalled, call('SMEMBERS', KEYS[8]), waiting, ahead, call('HGETALL', KEYS[11]),
}
