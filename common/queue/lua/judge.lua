#!lua flags=allow-oom
-- Whose fault was a device's failure of operation op at time `at`? (DESIGN.md 4, Breaker)
-- KEYS: cache:health. ARGV: op, serial, at
-- -> 'again' (the breaker has opened and closed since: try it anew, charged to nobody) · 'charge' (the device's) · 'probe' (nothing was sent since: send the probe, it is ours) · 'wait' (another probes)
--    · 'open' (the organization's)
local now, at = now_ms(), tonumber(ARGV[3])
local h = call('HMGET', KEYS[1], 'ok:' .. ARGV[1], 'ok', 'sent', 'probe', 'closed')
local op_ok = 0
if h[1] then
    local ms, serial, ms2 = string.match(h[1], '^(%d+) (%S*) (%d+)')
    op_ok = tonumber(serial ~= ARGV[2] and ms or ms2) or 0
end
-- Judged once already: without this, a failure that no other device can speak to would open the breaker for ever.
if (tonumber(h[5]) or 0) > at then return 'again' end
if op_ok >= now - 60000 and (tonumber(h[2]) or 0) > at then return 'charge' end
if (tonumber(h[3]) or 0) > at then return 'open' end
if (tonumber(h[4]) or 0) > now - 1000 then return 'wait' end
call('HSET', KEYS[1], 'probe', now)
return 'probe'
