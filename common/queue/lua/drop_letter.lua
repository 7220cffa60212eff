#!lua flags=allow-oom
-- Removes one dead letter for good: the device keeps its outcome, there is only nothing to replay any more.
-- KEYS: dead:STAGE, letters. ARGV: prefix, letter id -> 1 removed, 0 no such letter
local bad = wrong_type(KEYS[1], 'stream') or wrong_type(KEYS[2], 'hash')
if bad then return bad end
local found = call('XRANGE', KEYS[1], ARGV[2], ARGV[2])
if not found[1] then return 0 end
local letter = {}
for i = 1, #found[1][2], 2 do letter[found[1][2][i]] = found[1][2][i + 1] end
local run_key = ARGV[1] .. 'run:' .. (letter.run or '')
bad = wrong_type(run_key, 'hash') or denied(KEYS[1], 'XDEL', 'HGET', 'HDEL', 'HSET', 'HINCRBY')
if bad then return bad end

call('XDEL', KEYS[1], ARGV[2])
if letter.serial and letter.serial ~= '' then letters_count(ARGV[1], letter.serial, -1) end
if (tonumber(call('HGET', run_key, 'dead')) or 0) > 0 then call('HINCRBY', run_key, 'dead', -1) end
return 1
