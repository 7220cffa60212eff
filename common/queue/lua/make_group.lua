#!lua flags=allow-oom
-- The consumer group of a stage, from the first entry on, with its streams. Also at maxmemory: what is in hand must drain.
-- KEYS: stream. ARGV: group -> how many were made
local made = 0
for _, lane in ipairs(LANES) do
    local bad = wrong_type(lane_key(KEYS[1], lane), 'stream')
    if bad then return bad end
end
for _, lane in ipairs(LANES) do
    local key, is_there = lane_key(KEYS[1], lane), false
    for _, g in ipairs(call('EXISTS', key) == 1 and call('XINFO', 'GROUPS', key) or {}) do
        for i = 1, #g, 2 do is_there = is_there or (g[i] == 'name' and g[i + 1] == ARGV[1]) end
    end
    if not is_there then
        call('XGROUP', 'CREATE', key, ARGV[1], '0', 'MKSTREAM')
        made = made + 1
    end
end
return made
