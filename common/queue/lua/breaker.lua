#!lua flags=allow-oom
-- The shared breaker. KEYS: pause:api, cache:health. ARGV: action (open, ok, fail), code, text, op -> 1 changed
-- One that opens again within a minute of closing goes on backing off where it was: 1, 2, 4 ... 30 s.
local now = now_ms()
local action = ARGV[1]
local b = call('HMGET', KEYS[1], 'since', 'tries')
local h = call('HMGET', KEYS[2], 'reopened', 'closed')
local function delay(tries) return math.min(30000, 1000 * 2 ^ math.min(tries, 6)) end

if action == 'open' then
    if b[1] then return 0 end
    local tries = 0
    if h[2] and now - tonumber(h[2]) < 60000 then tries = (tonumber(h[1]) or 0) + 1 end
    call('HSET', KEYS[1], 'code', ARGV[2], 'text', ARGV[3], 'op', ARGV[4], 'since', now, 'tries', tries,
        'probe_at', now + delay(tries))
    return 1
end
if not b[1] then return 0 end
local tries = tonumber(b[2]) or 0
if action == 'ok' then
    call('DEL', KEYS[1])
    call('HINCRBY', KEYS[2], 'stalled', now - tonumber(b[1]))
    call('HSET', KEYS[2], 'reopened', tries, 'closed', now)
    return 1
end
call('HSET', KEYS[1], 'tries', tries + 1, 'probe_at', now + delay(tries + 1), 'code', ARGV[2], 'text', ARGV[3])
return 1
