#!lua flags=allow-oom
-- What is pending for a consumer, without touching its delivery counts (reading it as a group would).
-- KEYS: stream. ARGV: group, consumer, behind this id ('' all), most -> list of {id, deliveries, body}
local from = ARGV[3] == '' and '-' or '(' .. ARGV[3]
local out = {}
for _, p in ipairs(call('XPENDING', KEYS[1], ARGV[1], from, '+', tonumber(ARGV[4]), ARGV[2])) do
    local got = call('XRANGE', KEYS[1], p[1], p[1])
    if got[1] then
        out[#out + 1] = { p[1], p[4], got[1][2][2] }
    else
        call('XACK', KEYS[1], ARGV[1], p[1]) -- deleted by hand: nothing is there to be done
    end
end
return out
