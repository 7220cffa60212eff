#!lua flags=allow-oom
-- Settle of a closing message: every sink has confirmed, the run is closed.
-- KEYS: audit, count:audit
-- ARGV: prefix, consumer, id, run, state, manifest path, payload sha256, record files in all, number of the manifest
-- -> {'ok'} · {'lost'}
local prefix, id, run = ARGV[1], ARGV[3], ARGV[4]
local run_key = prefix .. 'run:' .. run

if not is_owned(KEYS[1], 'audit', ARGV[2], id) then return { 'lost', id } end
local bad = wrong_type(KEYS[2], 'hash') or wrong_type(run_key, 'hash') or wrong_type(run_key .. ':parts', 'hash')
    or wrong_type(prefix .. 'runs:open', 'hash') or wrong_type(prefix .. 'runs:cancelled', 'set')
    or wrong_type(prefix .. 'runs:paused', 'hash')
    or wrong_type(prefix .. 'runs:lane', 'hash') or wrong_type(prefix .. 'runs:lanes', 'hash')
    or denied(KEYS[1], 'XACK', 'XDEL', 'XLEN', 'HSET', 'HMGET', 'HINCRBY', 'HDEL', 'SREM', 'DEL', 'TIME', 'HGET', 'EXISTS')
if bad then return bad end

take_off(KEYS[1], 'audit', { id }, KEYS[2], 0)
local r = call('HMGET', run_key, 'num', 'state', 'dead', 'brake_changes', 'brake_failed')
if r[2] == 'closing' then
    call('HSET', run_key, 'state', ARGV[5], 'manifest_path', ARGV[6], 'previous_payload_sha256', ARGV[7],
        'records_files', ARGV[8], 'closed', now_ms(), 'manifest', ARGV[9])
    call('HDEL', prefix .. 'runs:open', r[1])
    call('SREM', prefix .. 'runs:cancelled', run)
    call('DEL', run_key .. ':parts')
    unpause_run(prefix, run, now_ms())
    if r[4] == 'on' then call('HDEL', run_key, 'brake_changes') end -- a replay that opens it again begins anew
    if r[5] == 'on' then call('HDEL', run_key, 'brake_failed') end
    call('HDEL', run_key, 'window') -- what failed before is what is replayed
    if (tonumber(r[3]) or 0) <= 0 then call('DEL', run_key .. ':weights') end -- nothing can open it again
    lane_leave(prefix, run)
end
return { 'ok' }
