#!lua flags=allow-oom
-- Takes over messages whose lease ran out, and removes consumers that are gone and have nothing pending.
-- KEYS: stream, workers
-- ARGV: group, consumer, lease ms, most messages, gone ms
-- -> list of {id, deliveries so far, this one included; body}
local group, consumer, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
-- Some more than wanted: entries of one's own may stand in front.
local found = call('XPENDING', KEYS[1], group, 'IDLE', lease, '-', '+', tonumber(ARGV[4]) + 16)
local out = {}
for _, p in ipairs(found) do
    if p[2] ~= consumer and #out < tonumber(ARGV[4]) then
        local got = call('XCLAIM', KEYS[1], group, consumer, lease, p[1])
        if got[1] then out[#out + 1] = { p[1], p[4] + 1, got[1][2][2] } end
    end
end
for _, c in ipairs(call('XINFO', 'CONSUMERS', KEYS[1], group)) do
    -- fields in pairs; 'idle' counts since the consumer's last attempt
    local info = {}
    for i = 1, #c, 2 do info[c[i]] = c[i + 1] end
    if info.name ~= consumer and info.pending == 0 and info.idle > tonumber(ARGV[5]) then
        call('XGROUP', 'DELCONSUMER', KEYS[1], group, info.name)
        call('HDEL', KEYS[2], info.name)
    end
end
return out
