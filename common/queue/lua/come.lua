#!lua
-- The batches of a run that need not be published again: registered, or on their way to validate.
-- KEYS: run:R:batches. ARGV: prefix, run -> their numbers
local bad = wrong_type(KEYS[1], 'hash') or wrong_message_type(ARGV[1])
if bad then return bad end
local out = call('HKEYS', KEYS[1])
local _, _, _, batches = whereabouts(ARGV[1], ARGV[2], { 'validate' })
for number in pairs(batches) do out[#out + 1] = number end
return out
