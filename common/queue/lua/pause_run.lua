#!lua flags=allow-oom
-- Pauses an open run by an operator's hand: nothing is sent for it until it is resumed.
-- KEYS: run:R, runs:paused. ARGV: prefix, run, by, reason
-- -> {'none'} (no batch of it has come) · {'over', state} · {'ok', 1: it was paused before, since} (the new reason stands)
local bad = wrong_type(KEYS[1], 'hash') or wrong_type(KEYS[2], 'hash') or denied(KEYS[1], 'HGET', 'HMGET', 'HSET')
if bad then return bad end
local r = call('HMGET', KEYS[1], 'state', 'paused_since', 'is_cancelled')
if not r[1] then return { 'none' } end
if r[3] then return { 'over', 'cancelled' } end
if r[1] ~= 'open' then return { 'over', r[1] } end
return { 'ok', r[2] and 1 or 0, pause_run(ARGV[1], ARGV[2], ARGV[3], ARGV[4], now_ms()) }
