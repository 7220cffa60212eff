#!lua flags=allow-oom
-- What a call to the API brought. KEYS: cache:health. ARGV: op, succeeded, serial, another serial, answered
local now = now_ms()
if tonumber(ARGV[5]) > 0 then call('HSET', KEYS[1], 'sent', now) end
if tonumber(ARGV[2]) > 0 then
    local field = 'ok:' .. ARGV[1]
    local ms2, other = 0, ''
    if ARGV[4] ~= '' then
        ms2, other = now, ARGV[4]
    else
        local had = call('HGET', KEYS[1], field)
        if had then
            local a, sa, b, sb = string.match(had, '^(%d+) (%S*) (%d+) (%S*)$')
            if a and sa ~= ARGV[3] then ms2, other = a, sa elseif a then ms2, other = b, sb end
        end
    end
    call('HSET', KEYS[1], 'ok', now, field, now .. ' ' .. ARGV[3] .. ' ' .. ms2 .. ' ' .. other)
end
return 1
