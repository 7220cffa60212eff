#!lua flags=allow-oom
-- A worker leaves: its consumer is deleted only where nothing is pending, since deleting drops what is.
-- KEYS: stream, workers. ARGV: group, consumer -> 1 deleted, 0 something is still pending
local left = 1
call('HDEL', KEYS[2], ARGV[2])
for _, lane in ipairs(LANES) do
    local key = lane_key(KEYS[1], lane)
    if call('XPENDING', key, ARGV[1], '-', '+', 1, ARGV[2])[1] then
        left = 0
    else
        call('XGROUP', 'DELCONSUMER', key, ARGV[1], ARGV[2])
    end
end
return left
