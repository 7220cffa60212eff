#!lua flags=allow-oom
-- Saves what was read of a message's devices before the first mutation. An earlier note of a device stands: it
-- is the truth of what was there before anything was sent.
-- KEYS: stream, note:UID. ARGV: group, consumer, id, then (serial, note) -> 1 saved, 0 the message is another's
if not is_owned(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return 0 end
local bad = wrong_type(KEYS[2], 'hash')
if bad then return bad end
for i = 4, #ARGV, 2 do call('HSETNX', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
