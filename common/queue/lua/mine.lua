#!lua flags=allow-oom
-- What is pending for a consumer, without touching its delivery counts (reading it as a group would).
-- KEYS: stream. ARGV: group, consumer, behind this id ('' all), most -> list of {id, deliveries, body}
local most, out = tonumber(ARGV[4]), {}
local _, after, after_lane = place_of(KEYS[1], ARGV[3])
local is_behind = ARGV[3] == ''
for _, lane in ipairs(LANES) do
    local key, from = lane_key(KEYS[1], lane), '-'
    if not is_behind and lane == after_lane then
        is_behind, from = true, '(' .. after
    end
    local pending = is_behind and #out < most and call('XPENDING', key, ARGV[1], from, '+', most - #out, ARGV[2]) or {}
    for _, p in ipairs(pending) do
        local got = call('XRANGE', key, p[1], p[1])
        if got[1] then
            out[#out + 1] = { name_of(lane, p[1]), p[4], got[1][2][2] }
        else
            call('XACK', key, ARGV[1], p[1]) -- deleted by hand: nothing is there to be done
        end
    end
end
return out
