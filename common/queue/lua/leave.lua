#!lua flags=allow-oom
-- A worker leaves: its consumer is deleted only where nothing is pending, since deleting drops what is.
-- KEYS: stream, workers. ARGV: group, consumer -> 1 deleted, 0 something is still pending
call('HDEL', KEYS[2], ARGV[2])
local p = call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if p[1] then return 0 end
call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
