#!lua flags=allow-oom
-- Shared small values. KEYS: cache:NAME. ARGV: action (set, lock, unlock), value, ttl ms -> 1 done, 0 not
if ARGV[1] == 'set' then
    call('HSET', KEYS[1], 'value', ARGV[2], 'at', now_ms())
    call('PEXPIRE', KEYS[1], ARGV[3])
    return 1
end
local key = KEYS[1] .. ':lock'
if ARGV[1] == 'lock' then
    if call('SET', key, ARGV[2], 'NX', 'PX', ARGV[3]) then return 1 end
    return 0
end
if call('GET', key) == ARGV[2] then return call('DEL', key) end
return 0
