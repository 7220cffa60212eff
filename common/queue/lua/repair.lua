#!lua
-- Puts devices of an open run that stand nowhere back before validate, as a part of a batch that is registered: their
-- claims go, since validate takes them again. All of it, or nothing where a device is on its way after all or the run
-- book counts otherwise. Refused at maxmemory (no allow-oom).
-- KEYS: run:R, ingest. ARGV: 1 prefix, 2 run, 3 devices that stand nowhere in all (these and those of later calls),
--       4 devices, 5 the part that holds exactly these, then devices of (serial, row)
-- -> {'ok'} · {'over', state} · {'moved', devices that stand nowhere} (look again)
local prefix, run = ARGV[1], ARGV[2]
local wanted, n, part = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local bad = wrong_type(KEYS[1], 'hash') or wrong_type(KEYS[1] .. ':batches', 'hash') or wrong_message_type(prefix)
    or wrong_type(prefix .. 'runs:lane', 'hash')
    or denied(KEYS[2], 'XADD', 'XLEN', 'XRANGE', 'ZRANGE', 'HGET', 'HMGET', 'HSET', 'HDEL', 'HEXISTS', 'DEL', 'EXISTS')
for _, stage in ipairs(all_stages) do bad = bad or wrong_type(prefix .. 'count:' .. stage, 'hash') end
if bad then return bad end
if #ARGV ~= 5 + n * 2 then
    return refuse('ERR', 'repair: ' .. #ARGV .. ' arguments do not fit their counts')
end
local r = call('HMGET', KEYS[1], 'num', 'state', 'expected', 'ended')
if r[2] ~= 'open' then return { 'over', r[2] or 'gone' } end
local on_their_way, _, rows = whereabouts(prefix, run, all_stages, true)
local nowhere = (tonumber(r[3]) or 0) - (tonumber(r[4]) or 0) - on_their_way
if nowhere ~= wanted then return { 'moved', nowhere } end
for i = 0, n - 1 do
    if rows[ARGV[7 + i * 2]] then return { 'moved', nowhere } end
end

local c, broken = claims.open(prefix)
if broken then return broken end
local mine = {} -- read before the first write: one of the hashes may be of another type by somebody's mistake
for i = 0, n - 1 do mine[i] = claims.get(c, ARGV[6 + i * 2]) == r[1] .. ':' .. ARGV[7 + i * 2] end
for i = 0, n - 1 do
    local serial = ARGV[6 + i * 2]
    if mine[i] then claims.del(c, claims.key(c, serial), serial) end
end
claims.save(c)
-- Whoever deleted a stream has left its counters behind.
for _, stage in ipairs(all_stages) do
    local count, left = prefix .. 'count:' .. stage, 0
    for _, stream in ipairs(streams_of(prefix, stage)) do left = left + call('XLEN', stream) end
    if left == 0 and call('HEXISTS', count, 'stream') == 1 then call('HSET', count, 'stream', 0) end
    if call('EXISTS', prefix .. 'retry:' .. stage) == 0 and call('HEXISTS', count, 'parked') == 1 then
        call('HSET', count, 'parked', 0)
    end
end
call('XADD', lane_key(KEYS[2], lane_of_batch(prefix, part)), '*', 'batch', part)
return { 'ok' }
