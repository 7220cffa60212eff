#!lua flags=no-writes
-- Which of these devices a run still holds. KEYS: run:R. ARGV: prefix, then (serial, row) -> places, from 0
local bad = wrong_type(KEYS[1], 'hash')
if bad then return bad end
local num, out = call('HGET', KEYS[1], 'num') or '', {}
local c, broken = claims.open(ARGV[1])
if broken then return broken end
for i = 2, #ARGV, 2 do
    if claims.get(c, ARGV[i]) == num .. ':' .. ARGV[i + 1] then out[#out + 1] = (i - 2) / 2 end
end
return out
