#!lua flags=allow-oom
-- The turn to renew a shared secret: one process at a time, by a lock that expires and a token that only grows.
-- KEYS: secret:NAME. ARGV: consumer, known id ('': none), lock ms, least age ms, forced ('1': a failure of a moment ago
-- does not count) -> {'newer'}, {'young'}, {'held', left ms}, {'failed', left ms, code, why} or {'taken', token}
local bad = wrong_type(KEYS[1], 'hash') or denied(KEYS[1], 'HMGET', 'HSET', 'HDEL')
if bad then return bad end
local now = now_ms()
local s = call('HMGET', KEYS[1], 'id', 'at', 'lock', 'until', 'token', 'code', 'why')
if s[1] and s[1] ~= ARGV[2] then return { 'newer' } end
if s[1] and now - (tonumber(s[2]) or 0) < tonumber(ARGV[4]) then return { 'young' } end
local left = (tonumber(s[4]) or 0) - now
if left > 0 then
    if s[6] then
        if ARGV[5] ~= '1' then return { 'failed', left, s[6], s[7] or '' } end
    elseif s[3] ~= ARGV[1] then
        return { 'held', left }
    end
end
local token = (tonumber(s[5]) or 0) + 1
call('HSET', KEYS[1], 'lock', ARGV[1], 'until', now + tonumber(ARGV[3]), 'token', token)
call('HDEL', KEYS[1], 'code', 'why')
return { 'taken', token }
