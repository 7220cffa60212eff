#!lua flags=allow-oom
-- After a 429: nobody sends until its time has passed; slots given before are void (another epoch), and the bucket is
-- empty when it ends, so that no burst follows.
-- KEYS: limit:CLASS. ARGV: ms (-1: the answer named no time), tolerance µs -> ms until the pause ends
local now = now_ms()
local s = call('HMGET', KEYS[1], 'pause', 'strikes', 'struck', 'epoch')
local strikes = tonumber(s[2]) or 0
if now - (tonumber(s[3]) or 0) > 120000 then strikes = 0 end
local ms = tonumber(ARGV[1])
if ms < 0 then ms = math.min(60000, 1000 * 2 ^ math.min(strikes, 6)) end
local till = math.max(tonumber(s[1]) or 0, now + ms)
-- Many at once are one strike.
if (tonumber(s[1]) or 0) <= now then strikes = strikes + 1 end
call('HSET', KEYS[1], 'pause', string.format('%.0f', till), 'strikes', strikes,
    'struck', string.format('%.0f', now), 'epoch', (tonumber(s[4]) or 0) + 1,
    'tat', string.format('%.0f', till * 1000 + tonumber(ARGV[2])))
call('DEL', KEYS[1] .. ':given')
return till - now
