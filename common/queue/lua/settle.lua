#!lua flags=allow-oom
-- The one step that ends messages in hand: what follows is published, dead letters are laid, the messages are
-- acknowledged, counted and removed - all of it, by their owner, or nothing.
-- KEYS: source stream, its count, its retry zset, its dead stream, then pairs of a stream and its count
-- ARGV: prefix, group, consumer, ids, devices taken off, publications, letters, notes, counters;
--       ids...; publications of (stream index 0: the retry zset, i: the i-th pair, field, devices, delay ms, body);
--       letters of (serial, run, row, seq, code, text, at, body, field); note uids...; counters of (name, number)
-- -> {'ok', backlog of the first pair's stream}, or {'lost', ids...}: these are another's, and nothing was written
local prefix, group, consumer = ARGV[1], ARGV[2], ARGV[3]
local n_ids, devices = tonumber(ARGV[4]), tonumber(ARGV[5])
local n_pubs, n_letters, n_notes, n_counters =
    tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local at = 10

local ids, lost = {}, { 'lost' }
for i = 1, n_ids do
    ids[i] = ARGV[at]
    if not is_owned(KEYS[1], group, consumer, ids[i]) then lost[#lost + 1] = ids[i] end
    at = at + 1
end
if #lost > 1 then return lost end
local bad = wrong_type(KEYS[2], 'hash') or wrong_type(KEYS[3], 'zset') or wrong_type(KEYS[4], 'stream')
    or wrong_type(prefix .. 'letters', 'hash')
for i = 5, #KEYS, 2 do bad = bad or wrong_type(KEYS[i], 'stream') or wrong_type(KEYS[i + 1], 'hash') end
bad = bad or denied(KEYS[1], 'XACK', 'XDEL', 'XLEN', 'XADD', 'TIME', 'ZADD', 'HSET', 'HGET', 'HDEL', 'HINCRBY', 'UNLINK')
if bad then return bad end
if #ARGV ~= at - 1 + n_pubs * 5 + n_letters * 9 + n_notes + n_counters * 2 then
    return refuse('ERR', 'settle: ' .. #ARGV .. ' arguments do not fit their counts')
end
local streams = {}
for i = 0, n_pubs - 1 do
    local target, body = tonumber(ARGV[at + i * 5]), ARGV[at + i * 5 + 4]
    if not target or target < 0 or (target > 0 and not KEYS[4 + target * 2])
        or not tonumber(ARGV[at + i * 5 + 2]) or not tonumber(ARGV[at + i * 5 + 3]) then
        return refuse('ERR', 'settle: publication ' .. i .. ' names no stream')
    end
    if target > 0 then
        streams[i + 1], bad = stream_for(prefix, KEYS[3 + target * 2], body)
        if bad then return bad end
    end
end

take_off(KEYS[1], group, ids, KEYS[2], devices)
local now = now_ms()
for i = 1, n_pubs do
    local target, field, n, delay, body =
        tonumber(ARGV[at]), ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), ARGV[at + 4]
    if target == 0 then
        call('ZADD', KEYS[3], now + delay, body)
        call('HINCRBY', KEYS[2], 'parked', n)
    else
        put_on(streams[i], field, KEYS[4 + target * 2], body, n)
    end
    at = at + 5
end
for _ = 1, n_letters do
    local serial, run = ARGV[at], ARGV[at + 1]
    call('XADD', KEYS[4], '*', 'run', run, 'serial', serial, 'row', ARGV[at + 2], 'seq', ARGV[at + 3],
        'code', ARGV[at + 4], 'text', ARGV[at + 5], 'at', ARGV[at + 6], ARGV[at + 8], ARGV[at + 7])
    if serial ~= '' then
        if call('TYPE', prefix .. 'run:' .. run).ok == 'hash' then
            call('HINCRBY', prefix .. 'run:' .. run, 'dead', 1)
        end
        letters_count(prefix, serial, 1, run)
    end
    at = at + 9
end
for _ = 1, n_notes do
    call('UNLINK', prefix .. 'note:' .. ARGV[at])
    at = at + 1
end
for _ = 1, n_counters do
    call('HINCRBY', KEYS[2], ARGV[at], tonumber(ARGV[at + 1]))
    at = at + 2
end
return { 'ok', KEYS[6] and tonumber(call('HGET', KEYS[6], 'stream')) or 0 }
