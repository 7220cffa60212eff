#!lua flags=allow-oom
-- An operator's word that an open run waits for no more batches: it closes, as incomplete, once what came has ended.
-- KEYS: run:R. ARGV: prefix, run, spare uid
-- -> {'none'} · {'over', state} · {'whole'} (no batch is missing: it closes by itself) · {'ok', devices left}
local bad = wrong_type(KEYS[1], 'hash') or wrong_type(ARGV[1] .. 'audit', 'stream')
    or wrong_type(ARGV[1] .. 'ingest', 'stream') or wrong_type(ARGV[1] .. 'retry:validate', 'zset')
    or denied(KEYS[1], 'HSET', 'SADD', 'XADD', 'XRANGE', 'ZRANGE', 'HEXISTS', 'HMGET')
if bad then return bad end
local r = call('HMGET', KEYS[1], 'state', 'batches', 'come', 'expected', 'ended')
if not r[1] then return { 'none' } end
if r[1] ~= 'open' then return { 'over', r[1] } end
if (tonumber(r[3]) or 0) >= (tonumber(r[2]) or 1) then return { 'whole' } end
call('HSET', KEYS[1], 'forced', 1, 'awaited', (tonumber(r[3]) or 0) + batches_under_way(ARGV[1], ARGV[2]))
maybe_close(ARGV[1], ARGV[2], ARGV[3])
return { 'ok', (tonumber(r[4]) or 0) - (tonumber(r[5]) or 0) }
