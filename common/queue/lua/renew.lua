#!lua flags=allow-oom
-- Renews the leases of what is in hand. JUSTID: the delivery count stays.
-- KEYS: stream. ARGV: group, consumer, ids... -> the ids that are another's now
local group, consumer, lost, keys, mine = ARGV[1], ARGV[2], {}, {}, {}
for i = 3, #ARGV do
    local key, raw = place_of(KEYS[1], ARGV[i])
    if not is_owned(KEYS[1], group, consumer, ARGV[i]) then
        lost[#lost + 1] = ARGV[i]
    else
        if not mine[key] then
            keys[#keys + 1], mine[key] = key, { 'XCLAIM', key, group, consumer, 0 }
        end
        table.insert(mine[key], raw)
    end
end
for _, key in ipairs(keys) do
    table.insert(mine[key], 'JUSTID')
    call(unpack(mine[key]))
end
return lost
