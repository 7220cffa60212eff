#!lua flags=allow-oom
-- Renews the leases of what is in hand. JUSTID: the delivery count stays.
-- KEYS: stream. ARGV: group, consumer, ids... -> the ids that are another's now
local group, consumer, lost, mine = ARGV[1], ARGV[2], {}, {}
for i = 3, #ARGV do
    if is_owned(KEYS[1], group, consumer, ARGV[i]) then
        mine[#mine + 1] = ARGV[i]
    else
        lost[#lost + 1] = ARGV[i]
    end
end
if #mine > 0 then
    local args = { 'XCLAIM', KEYS[1], group, consumer, 0 }
    for _, id in ipairs(mine) do args[#args + 1] = id end
    args[#args + 1] = 'JUSTID'
    call(unpack(args))
end
return lost
