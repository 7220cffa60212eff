#!lua flags=allow-oom
-- A worker that is long at one batch lives. One that has left stays away.
-- KEYS: workers. ARGV: consumer, heartbeat -> 1 written, 0 it has left
if wrong_type(KEYS[1], 'hash') or call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
