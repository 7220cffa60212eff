#!lua flags=allow-oom
-- KEYS: chain. ARGV: token, run, name, envelope -> 1 stored, 0 the lock passed on
-- Refuses to overwrite an envelope that stands there: it may be in a sink already.
local c = call('HMGET', KEYS[1], 'token', 'envelope')
if c[1] ~= ARGV[1] then return 0 end
if c[2] and c[2] ~= ARGV[4] then return 0 end
call('HSET', KEYS[1], 'run', ARGV[2], 'name', ARGV[3], 'envelope', ARGV[4])
return 1
