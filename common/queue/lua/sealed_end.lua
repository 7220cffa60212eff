#!lua flags=allow-oom
-- What came of the turn to renew a shared secret. Only the last token given may write, however late it comes.
-- KEYS: secret:NAME. ARGV: 'put', token, id, expires, by, sealed text | 'fail', token, hold ms, code, why | 'drop', ''
-- -> 1 done, 0 the turn passed on (drop: there was none)
local bad = wrong_type(KEYS[1], 'hash') or denied(KEYS[1], 'HGET', 'HSET', 'HDEL')
if bad then return bad end
if ARGV[1] == 'drop' then
    local had = call('HDEL', KEYS[1], 'id', 'sealed', 'expires', 'at', 'by', 'fence')
    if call('HDEL', KEYS[1], 'code', 'why') > 0 then call('HDEL', KEYS[1], 'lock', 'until') end
    return had > 0 and 1 or 0
end
if call('HGET', KEYS[1], 'token') ~= ARGV[2] then return 0 end
if ARGV[1] == 'put' then
    call('HSET', KEYS[1], 'id', ARGV[3], 'expires', ARGV[4], 'by', ARGV[5], 'sealed', ARGV[6], 'at', now_ms(), 'fence',
        ARGV[2])
    call('HDEL', KEYS[1], 'lock', 'until', 'code', 'why')
    return 1
end
call('HSET', KEYS[1], 'until', now_ms() + tonumber(ARGV[3]), 'code', ARGV[4], 'why', ARGV[5])
return 1
