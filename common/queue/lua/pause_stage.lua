#!lua flags=allow-oom
-- An operator's pause of a stage, and its end. The time paused is added up, since deadlines leave it out.
-- KEYS: pause:STAGE, count:STAGE. ARGV: 'pause', by, reason · 'resume'
-- -> {1, since}: paused now, {0, since}: it was paused before (the new reason stands) · {1, ms paused}: resumed,
--    {0, 0}: it was not paused
local bad = wrong_type(KEYS[1], 'hash') or wrong_type(KEYS[2], 'hash')
if bad then return bad end
local now, since = now_ms(), tonumber(call('HGET', KEYS[1], 'since'))
if ARGV[1] == 'pause' then
    call('HSET', KEYS[1], 'by', ARGV[2], 'reason', ARGV[3], 'since', since or now)
    return { since and 0 or 1, since or now }
end
if not since then
    call('DEL', KEYS[1])
    return { 0, 0 }
end
local ms = now > since and now - since or 0
call('HINCRBY', KEYS[2], 'stalled', ms)
call('DEL', KEYS[1])
return { 1, ms }
