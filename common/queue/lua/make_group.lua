#!lua flags=allow-oom
-- The consumer group of a stage, from the first entry on, with its streams. Also at maxmemory: what is in hand must drain.
-- A group that is gone while its sisters stand was deleted by hand: any of its entries may have been in hand, and have a
-- note. All come back as from a worker that died long ago, not as new.
-- KEYS: stream. ARGV: group -> how many were made
local made, standing, missing = 0, 0, {}

local function has_group(key)
    for _, g in ipairs(call('EXISTS', key) == 1 and call('XINFO', 'GROUPS', key) or {}) do
        for i = 1, #g, 2 do
            if g[i] == 'name' and g[i + 1] == ARGV[1] then return true end
        end
    end
    return false
end

local function take_in_hand(key)
    local from = '-'
    while from do
        local entries = call('XRANGE', key, from, '+', 'COUNT', 10) -- each may be 1 MiB
        from = entries[1] and '(' .. entries[#entries][1]
        for _, entry in ipairs(entries) do
            call('XCLAIM', key, ARGV[1], 'gone', 0, entry[1], 'IDLE', 86400000, 'RETRYCOUNT', 0, 'FORCE', 'JUSTID')
        end
    end
end

for _, lane in ipairs(LANES) do
    local bad = wrong_type(lane_key(KEYS[1], lane), 'stream')
    if bad then return bad end
end
for _, lane in ipairs(LANES) do
    local key = lane_key(KEYS[1], lane)
    if has_group(key) then standing = standing + 1 else missing[#missing + 1] = key end
end
local bad = #missing > 0 and denied(KEYS[1], 'XRANGE', 'XCLAIM')
if bad then return bad end
for _, key in ipairs(missing) do
    call('XGROUP', 'CREATE', key, ARGV[1], standing > 0 and '$' or '0', 'MKSTREAM')
    if standing > 0 then take_in_hand(key) end
    made = made + 1
end
return made
