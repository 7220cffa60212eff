#!lua flags=allow-oom
-- The turn to close: one closer at a time, by a lock that expires and a token that only grows.
-- KEYS: chain. ARGV: consumer, ttl ms -> {0} another closes, or {1, token, sequence, previous, run, name, envelope}
local now = now_ms()
local c = call('HMGET', KEYS[1], 'until', 'token', 'sequence', 'payload_sha256', 'run', 'name', 'envelope', 'lock')
if c[1] and tonumber(c[1]) > now and c[8] ~= ARGV[1] then return { 0 } end
local token = (tonumber(c[2]) or 0) + 1
call('HSET', KEYS[1], 'lock', ARGV[1], 'until', now + tonumber(ARGV[2]), 'token', token)
return { 1, token, (tonumber(c[3]) or 0) + 1, c[4] or '', c[5] or '', c[6] or '', c[7] or '' }
