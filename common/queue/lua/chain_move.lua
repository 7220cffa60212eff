#!lua flags=allow-oom
-- KEYS: chain. ARGV: token, payload sha256 ('' only lets the lock go), sequence -> 1 done, 0 the lock passed on
if call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' then
    call('HSET', KEYS[1], 'sequence', ARGV[3], 'payload_sha256', ARGV[2])
    call('HDEL', KEYS[1], 'run', 'name', 'envelope')
end
call('HDEL', KEYS[1], 'lock', 'until')
return 1
