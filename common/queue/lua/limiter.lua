#!lua flags=allow-oom
-- One token bucket for all processes of an organization, on Redis's clock, as a theoretical arrival time (GCRA,
-- ITU-T I.371). A slot that is not free now is reserved for a moment at most `ahead` from now and confirmed by a second
-- call at that moment, so that a pause in between voids it. Who comes too late for its slot has lost it: a machine that
-- stood still would else send all that fell due meanwhile at once. Stages take turns, a stage's workers come in order.
-- KEYS: limit:CLASS, limit:CLASS:wait, limit:CLASS:seen, pause:api, runs:cancelled
-- ARGV: 1 interval µs, 2 tolerance µs, 3 want, 4 stage, 5 consumer, 6 reserved slot µs (0 none), 7 epoch of it,
--       8 is_probe, 9 stream ('' no fence), 10 id, 11 run
-- -> {'granted', count} · {'later', ms, reserved µs, epoch} · {'lost'} · {'cancelled'} · {'closed'}
local T, tau = tonumber(ARGV[1]), tonumber(ARGV[2])
local t = call('TIME')
local now = t[1] * 1000000 + t[2]
local ahead = 250000
local late = math.max(T, tau) -- tau is 30 % of the API's burst; the rest is there for what comes late

if ARGV[8] ~= '1' and call('EXISTS', KEYS[4]) == 1 then return { 'closed' } end
if ARGV[9] ~= '' then
    if not is_owned(ARGV[9], ARGV[4], ARGV[5], ARGV[10]) then return { 'lost' } end
    if call('SISMEMBER', KEYS[5], ARGV[11]) == 1 then return { 'cancelled' } end
end
-- The fence alone was asked about: no slot is taken.
if tonumber(ARGV[3]) == 0 then return { 'granted', 0 } end

local turn_key = 'turn:' .. ARGV[4]
local s = call('HMGET', KEYS[1], 'tat', 'pause', 'epoch', 'turn')
local tat = tonumber(s[1]) or now + tau + T -- a missing key is an empty bucket
local pause, epoch, turn = (tonumber(s[2]) or 0) * 1000, s[3] or '0', tonumber(s[4]) or 0
local function fmt(x) return string.format('%.0f', x) end
if not s[1] then call('HSET', KEYS[1], 'tat', fmt(tat)) end

if pause > now then
    return { 'later', math.min(math.ceil((pause - now) / 1000), 2000), '0', epoch }
end
local reserved = tonumber(ARGV[6])
if reserved > 0 and ARGV[7] == epoch and reserved > now - late then
    if reserved <= now then return { 'granted', 1 } end
    return { 'later', math.ceil((reserved - now) / 1000), ARGV[6], epoch }
end

local me = ARGV[4] .. '|' .. ARGV[5]
local is_alone = call('ZCARD', KEYS[2]) == 0
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
    local stage = string.match(member, '^([^|]*)|')
    if not first_of[stage] then
        first_of[stage] = member
        local served = tonumber(call('HGET', KEYS[1], 'turn:' .. stage)) or 0
        if not best or served < best_turn then best, best_turn = member, served end
    end
end
local poll = math.max(10, math.min(200, math.floor(T / 2000)))
if best ~= me or slot - now > ahead then
    local wait = math.max(poll, math.ceil((slot - now - ahead) / 1000))
    return { 'later', math.min(wait, 1000), '0', epoch }
end
call('ZREM', KEYS[2], me)
call('ZREM', KEYS[3], me)
call('HSET', KEYS[1], 'tat', fmt(math.max(now, tat) + T), 'turn', turn + 1, turn_key, turn + 1)
if slot <= now then return { 'granted', 1 } end
return { 'later', math.ceil((slot - now) / 1000), fmt(slot), epoch }
