#!lua flags=allow-oom
-- The consumer group of a stage, from the first entry on, with its stream. Also at maxmemory: what is in hand must drain.
-- KEYS: stream. ARGV: group -> 1 made, 0 it was there
local bad = wrong_type(KEYS[1], 'stream')
if bad then return bad end
if call('EXISTS', KEYS[1]) == 1 then
    for _, g in ipairs(call('XINFO', 'GROUPS', KEYS[1])) do
        for i = 1, #g, 2 do
            if g[i] == 'name' and g[i + 1] == ARGV[1] then return 0 end
        end
    end
end
call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
return 1
