#!lua flags=allow-oom
-- Cancels an open run: a flag that every mutation asks. Where all its devices have ended it closes at once. A pause ends, so
-- that they can.
-- KEYS: run:R, runs:cancelled. ARGV: prefix, run, spare uid
-- -> {'none'} (no such run) · {'over', state} (nothing was changed) · {'ok', 1: it was cancelled before, devices left}
local bad = wrong_type(KEYS[1], 'hash') or wrong_type(KEYS[2], 'set') or wrong_type(ARGV[1] .. 'audit', 'stream')
    or wrong_type(ARGV[1] .. 'ingest', 'stream') or wrong_type(ARGV[1] .. 'retry:validate', 'zset')
    or wrong_type(ARGV[1] .. 'runs:paused', 'hash')
    or denied(KEYS[1], 'HGET', 'HDEL', 'HSET', 'SADD', 'XADD', 'XRANGE', 'ZRANGE', 'HEXISTS', 'HMGET')
if bad then return bad end
local r = call('HMGET', KEYS[1], 'state', 'is_cancelled', 'expected', 'ended', 'come')
if not r[1] then
    -- Pushed a moment ago: no batch of it is registered yet. The first that is finds the flag.
    if batches_under_way(ARGV[1], ARGV[2]) == 0 then return { 'none' } end
    call('SADD', KEYS[2], ARGV[2])
    return { 'ok', 0, 0 }
end
if r[1] ~= 'open' then return { 'over', r[1] } end
call('HSET', KEYS[1], 'is_cancelled', 1, 'awaited', (tonumber(r[5]) or 0) + batches_under_way(ARGV[1], ARGV[2]))
call('SADD', KEYS[2], ARGV[2])
unpause_run(ARGV[1], ARGV[2], now_ms())
maybe_close(ARGV[1], ARGV[2], ARGV[3])
return { 'ok', r[2] and 1 or 0, (tonumber(r[3]) or 0) - (tonumber(r[4]) or 0) }
