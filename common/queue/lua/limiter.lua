#!lua flags=allow-oom
-- One token bucket for all processes of an organization, on Redis's clock, as a theoretical arrival time (GCRA,
-- ITU-T I.371). A slot that is not free now is reserved for a moment at most `ahead` from now and confirmed by a second
-- call at that moment, so that a pause in between voids it. Who comes too late for its slot has lost it: a machine that
-- stood still would else send all that fell due meanwhile at once. Stages take turns, a stage's workers come in order;
-- what is urgent comes before all, and takes the first slot that another has reserved.
-- KEYS: limit:CLASS, limit:CLASS:wait, limit:CLASS:seen, pause:api, runs:cancelled, limit:CLASS:given, urgent lane of stage,
--       runs:paused
-- ARGV: 1 interval µs, 2 tolerance µs, 3 want, 4 stage, 5 consumer, 6 reserved slot µs (0 none), 7 epoch of it,
--       8 is_probe, 9 stream ('' no fence), 10 id, 11 run, 12 is_urgent, 13 the server's run id
-- -> {'granted', count} · {'later', ms, reserved µs, epoch} · {'lost'} · {'cancelled'} · {'paused'} · {'closed'}
--    · {'yield'} (something urgent waits, and nobody is free for it: give back what is not begun)
local T, tau = tonumber(ARGV[1]), tonumber(ARGV[2])
local t = call('TIME')
local now = t[1] * 1000000 + t[2]
local ahead, yield_every = 250000, 1000000
local late = math.max(T, tau) -- tau is 30 % of the API's burst; the rest is there for what comes late
local stage, is_urgent = ARGV[4], ARGV[12] == '1'
local me = (is_urgent and 'urgent' or stage) .. '|' .. ARGV[5]
local function fmt(x) return string.format('%.0f', x) end

-- Whoever goes away without a slot must not be waited for.
local function leave(answer)
    call('ZREM', KEYS[2], me)
    call('ZREM', KEYS[3], me)
    return { answer }
end

if ARGV[8] ~= '1' and call('EXISTS', KEYS[4]) == 1 then return leave('closed') end
if ARGV[9] ~= '' then
    if not is_owned(ARGV[9], stage, ARGV[5], ARGV[10]) then return leave('lost') end
    if call('SISMEMBER', KEYS[5], ARGV[11]) == 1 then return leave('cancelled') end
    if call('HEXISTS', KEYS[8], ARGV[11]) == 1 then return leave('paused') end
end
-- The fence alone was asked about: no slot is taken.
if tonumber(ARGV[3]) == 0 then return { 'granted', 0 } end

-- One worker of the stage gives way: the others have as good a use for the slots.
if not is_urgent and ARGV[8] ~= '1' and call('XLEN', KEYS[7]) > 0 then
    local pending = redis.pcall('XPENDING', KEYS[7], stage)
    local is_waiting = not pending.err and call('XLEN', KEYS[7]) > pending[1]
    if is_waiting and (tonumber(call('HGET', KEYS[1], 'yield:' .. stage)) or 0) < now then
        call('HSET', KEYS[1], 'yield:' .. stage, fmt(now + yield_every))
        return leave('yield')
    end
end

local turn_key = 'turn:' .. stage
local s = call('HMGET', KEYS[1], 'tat', 'pause', 'epoch', 'turn', 'server')
local tat = tonumber(s[1]) or now + tau + T -- a missing key is an empty bucket
local pause, epoch, turn = (tonumber(s[2]) or 0) * 1000, s[3] or '0', tonumber(s[4]) or 0
if s[5] ~= ARGV[13] then
    -- Another server, or the same one started again: it may have forgotten the last second's requests.
    tat, epoch = math.max(tat, now + tau + T), fmt((tonumber(epoch) or 0) + 1)
    call('HSET', KEYS[1], 'server', ARGV[13], 'epoch', epoch, 'tat', fmt(tat))
    call('DEL', KEYS[6])
elseif not s[1] then
    call('HSET', KEYS[1], 'tat', fmt(tat))
end

-- What pauses and reservations can have moved it to, and no later: a server's clock that was set back would else hold
-- everybody up for as long as that was.
local latest = math.max(now, pause) + ahead + tau + 2 * T
if tat > latest then
    tat = latest
    call('HSET', KEYS[1], 'tat', fmt(tat))
end

if pause > now then
    return { 'later', math.min(math.ceil((pause - now) / 1000), 2000), '0', epoch }
end
local reserved = tonumber(ARGV[6])
if reserved > 0 and ARGV[7] == epoch and reserved > now - late then
    if reserved > now then return { 'later', math.ceil((reserved - now) / 1000), ARGV[6], epoch } end
    call('ZREM', KEYS[6], me)
    return { 'granted', 1 }
end

-- Each slot reserved for later has moved the arrival time on by T: taken back, the first of them is free again. Those
-- that had it wait anew.
if is_urgent then
    local taken = call('ZCOUNT', KEYS[6], '(' .. fmt(now), '+inf')
    if taken > 0 then
        tat, epoch = tat - taken * T, fmt((tonumber(epoch) or 0) + 1)
        call('HSET', KEYS[1], 'tat', fmt(tat), 'epoch', epoch)
        call('DEL', KEYS[6])
    end
end

local is_alone = is_urgent or call('ZCARD', KEYS[2]) == 0
local slot = math.max(now, tat - tau)
if is_alone and slot <= now then
    local base = math.max(tat, now)
    local free = math.floor((now + tau - base) / T) + 1
    local count = math.max(1, math.min(tonumber(ARGV[3]), free))
    call('HSET', KEYS[1], 'tat', fmt(base + count * T))
    return { 'granted', count }
end

-- Somebody waits: whose turn is it? First the stage that was served longest ago, in it who came first.
call('ZADD', KEYS[2], 'NX', now, me)
call('ZADD', KEYS[3], now, me)
for _, gone in ipairs(call('ZRANGEBYSCORE', KEYS[3], '-inf', '(' .. fmt(now - 1500000))) do
    call('ZREM', KEYS[2], gone)
    call('ZREM', KEYS[3], gone)
end
local best, best_turn, first_of = nil, nil, {}
for _, member in ipairs(call('ZRANGE', KEYS[2], 0, -1)) do
    local group = string.match(member, '^([^|]*)|')
    if not first_of[group] then
        first_of[group] = member
        local served = group == 'urgent' and -1 or tonumber(call('HGET', KEYS[1], 'turn:' .. group)) or 0
        if not best or served < best_turn then best, best_turn = member, served end
    end
end
local poll = math.max(10, math.min(200, math.floor(T / 2000)))
if best ~= me or slot - now > ahead then
    local wait = math.max(poll, math.ceil((slot - now - ahead) / 1000))
    return { 'later', math.min(wait, 1000), '0', epoch }
end
leave('')
call('HSET', KEYS[1], 'tat', fmt(math.max(now, tat) + T), 'turn', turn + 1, turn_key, turn + 1)
if slot <= now then return { 'granted', 1 } end
call('ZREMRANGEBYSCORE', KEYS[6], '-inf', fmt(now))
call('ZADD', KEYS[6], slot, me)
return { 'later', math.ceil((slot - now) / 1000), fmt(slot), epoch }
