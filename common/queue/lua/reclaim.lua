#!lua flags=allow-oom
-- Takes over messages whose lease ran out, and removes consumers that are gone and have nothing pending.
-- KEYS: stream, workers
-- ARGV: group, consumer, lease ms, most messages, gone ms
-- -> list of {id, deliveries so far, this one included; body}
local group, consumer, lease, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local out, gone = {}, {}

local function take_over(lane, key)
    -- Some more than wanted: entries of one's own may stand in front.
    for _, p in ipairs(call('XPENDING', key, group, 'IDLE', lease, '-', '+', most + 16)) do
        if p[2] ~= consumer and #out < most then
            local got = call('XCLAIM', key, group, consumer, lease, p[1])
            if got[1] then out[#out + 1] = { name_of(lane, p[1]), p[4] + 1, got[1][2][2] } end
        end
    end
end

-- A consumer stands in the group of each lane that it read; its heartbeat goes when it has left them all.
local function remove_gone(key)
    for _, c in ipairs(call('XINFO', 'CONSUMERS', key, group)) do
        -- fields in pairs; 'idle' counts since the consumer's last attempt
        local info = {}
        for i = 1, #c, 2 do info[c[i]] = c[i + 1] end
        local is_gone = info.name ~= consumer and info.pending == 0 and info.idle > tonumber(ARGV[5])
        if is_gone then call('XGROUP', 'DELCONSUMER', key, group, info.name) end
        if is_gone and gone[info.name] == nil then gone[info.name] = true end
        if not is_gone then gone[info.name] = false end
    end
end

for i = #LANES, 1, -1 do -- what is urgent first
    local key = lane_key(KEYS[1], LANES[i])
    take_over(LANES[i], key)
    remove_gone(key)
end
for name, is_gone in pairs(gone) do
    if is_gone then call('HDEL', KEYS[2], name) end
end
return out
