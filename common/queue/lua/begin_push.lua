#!lua
-- Which run an input is pushed under: the one that a push of the same input left open, else a new one. The record
-- stands before anything is published, so that a push that was cut short is resumed with the very same bytes.
-- KEYS: pushed
-- ARGV: 1 prefix, 2 input ("SHA256:MAPPING SHA256"), 3 run wanted, 4 is_named (by the operator), 5 head (what must be the
--       same in every batch), 6 keep ms (how long a run is remembered once it closed), 7 is_urgent
-- -> {'new', run, head} · {'resumed', run, head} · {'taken', state} (the run wanted is another input's, or is over) ·
--    {'open', run} (this input is open as another run than the one named)
local prefix, field, run, is_named = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local now, keep = now_ms(), tonumber(ARGV[6])
local bad = wrong_type(KEYS[1], 'hash') or wrong_type(prefix .. 'run:' .. run, 'hash')
    or wrong_type(prefix .. 'runs:lane', 'hash') or wrong_type(prefix .. 'runs:lanes', 'hash')
if bad then return bad end

-- A record lives as long as its run is open, or for keep ms where none of its batches has come yet.
local function is_alive(name, at)
    local state = call('HGET', prefix .. 'run:' .. name, 'state')
    if state then return state == 'open' end
    return now - tonumber(at) < keep
end

local name, at, head = string.match(call('HGET', KEYS[1], field) or '', '^(%S+) (%d+) (.*)$')
if name and is_alive(name, at) then
    if is_named and name ~= run then return { 'open', name } end
    lane_take(prefix, name, ARGV[7] == '1')
    return { 'resumed', name, head }
end
local state = call('HGET', prefix .. 'run:' .. run, 'state')
if state then return { 'taken', state } end

local all = call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
    local other, since = string.match(all[i + 1], '^(%S+) (%d+) ')
    if not other or not is_alive(other, since) then
        call('HDEL', KEYS[1], all[i])
        if other and not call('HGET', prefix .. 'run:' .. other, 'state') then lane_leave(prefix, other) end
    elseif other == run then
        return { 'taken', 'open' }
    end
end
call('HSET', KEYS[1], field, run .. ' ' .. string.format('%.0f', now) .. ' ' .. ARGV[5])
lane_take(prefix, run, ARGV[7] == '1')
return { 'new', run, ARGV[5] }
