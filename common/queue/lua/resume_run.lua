#!lua flags=allow-oom
-- Ends the pause of a run, whoever began it, and lets it go from the brakes that have stopped it so far.
-- KEYS: run:R, runs:paused. ARGV: prefix, run, by
-- -> {'none'} · {'over', state} · {'ok', 0: it was not paused (nothing was changed) or 1, ms that it was paused}
local bad = wrong_type(KEYS[1], 'hash') or wrong_type(KEYS[2], 'hash')
    or denied(KEYS[1], 'HGET', 'HMGET', 'HSET', 'HDEL', 'HINCRBY')
if bad then return bad end
local r = call('HMGET', KEYS[1], 'state', 'brake_changes', 'brake_failed')
if not r[1] then -- somebody has deleted it: what is left of its messages need not wait
    call('HDEL', KEYS[2], ARGV[2])
    return { 'none' }
end
if r[1] ~= 'open' then return { 'over', r[1] } end
local now = now_ms()
local ms = unpause_run(ARGV[1], ARGV[2], now)
if not ms then return { 'ok', 0, 0 } end
call('HINCRBY', KEYS[1], 'paused_ms', ms)
call('HSET', KEYS[1], 'resumed_by', ARGV[3], 'resumed_at', string.format('%.0f', now))
if r[2] == 'on' then call('HSET', KEYS[1], 'brake_changes', 'off') end
if r[3] == 'on' then
    call('HSET', KEYS[1], 'brake_failed', 'off')
    call('HDEL', KEYS[1], 'window')
end
return { 'ok', 1, ms }
