#!lua flags=allow-oom
-- Moves one parked message to its stream now, unless somebody else has moved it.
-- KEYS: retry:STAGE, its stream, count:STAGE. ARGV: field, message -> 1 moved, 0 it is not parked any more
local bad = wrong_type(KEYS[1], 'zset') or wrong_type(KEYS[2], 'stream') or wrong_type(KEYS[3], 'hash')
    or denied(KEYS[1], 'ZREM', 'XADD', 'HINCRBY', 'EXISTS', 'HSET')
if bad then return bad end
local stream
stream, bad = stream_for(string.match(KEYS[3], '^(.*:)count:'), KEYS[2], ARGV[2])
if bad then return bad end
if call('ZREM', KEYS[1], ARGV[2]) == 0 then return 0 end
local n = devices_of(ARGV[2])
put_on(stream, ARGV[1], KEYS[3], ARGV[2], n)
if call('EXISTS', KEYS[1]) == 0 then
    call('HSET', KEYS[3], 'parked', 0)
elseif n > 0 then
    call('HINCRBY', KEYS[3], 'parked', -n)
end
return 1
