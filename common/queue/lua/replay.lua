#!lua
-- Puts one dead device back: its letter goes, its claim is taken again, it leaves the counters of its run (which opens
-- again where it was closed) and stands in a stream as a message of its own - all of it or nothing. Whoever removes the
-- letter goes on, so two replays at once put nothing back twice. Refused at maxmemory (no allow-oom).
-- KEYS: dead:STAGE, target stream, its count
-- ARGV: 1 prefix, 2 letter id, 3 message, 4 is_forced, 5 is_dry
-- -> {'ok'} · {'gone'} (no such letter) · {'no_run'} (its run is not kept any more) · {'early'} (its outcome is not
--    counted yet, or the run is being closed) · {'other', run} (another run or row holds the serial) · {'later', ms} (kept
--    against late writes) · {'superseded', run} (that run has finished the serial since)
local prefix, id, is_forced = ARGV[1], ARGV[2], ARGV[4] == '1'
local bad = wrong_type(KEYS[1], 'stream') or wrong_type(KEYS[2], 'stream') or wrong_type(KEYS[3], 'hash')
    or wrong_type(prefix .. 'letters', 'hash')
    or wrong_type(prefix .. 'runs:open', 'hash') or wrong_type(prefix .. 'held', 'zset')
    or denied(KEYS[1], 'XDEL', 'XADD', 'HSET', 'HGET', 'HGETALL', 'HDEL', 'HLEN', 'HINCRBY', 'ZREM', 'DEL')
if bad then return bad end

local stream
stream, bad = stream_for(prefix, KEYS[2], ARGV[3])
if bad then return bad end

local found = call('XRANGE', KEYS[1], id, id)
if not found[1] then return { 'gone' } end
local letter = {}
for i = 1, #found[1][2], 2 do letter[found[1][2][i]] = found[1][2][i + 1] end
local run, serial, row = letter.run, letter.serial, letter.row
if not run or not serial or not row or serial == '' then
    return refuse('ERR', 'replay: letter ' .. id .. ' names no device')
end

local run_key = prefix .. 'run:' .. run
bad = wrong_type(run_key, 'hash')
if bad then return bad end
local r = call('HMGET', run_key, 'num', 'state', 'failed', 'ended', 'dead')
local num, state = r[1], r[2]
if not num or not state then return { 'no_run' } end
if state == 'closing' then return { 'early' } end

local c, broken = claims.open(prefix)
if broken then return broken end
local kind, till = claims.judge(c, prefix, serial, num, row, now_ms())
-- A claim of its own while the letter stands: audit has not counted this end yet.
if kind == 'mine' and state == 'open' then return { 'early' } end
-- One that ended in validate has no claim; its end is counted where the run has counted a failure.
if state == 'open' and ((tonumber(r[3]) or 0) <= 0 or (tonumber(r[4]) or 0) <= 0) then return { 'early' } end
if not is_forced then
    if kind == 'later' then return { 'later', till - now_ms() } end
    if kind == 'same' then return { 'other', run } end
    if kind == 'other' then
        local holder = string.match(claims.get(c, serial), '^%d+')
        return { 'other', call('HGET', prefix .. 'runs:open', holder) or '' }
    end
    local last = string.match(call('HGET', prefix .. 'letters', serial) or '', '^%d+ (.+)$')
    if last and last ~= run then return { 'superseded', last } end
end
if ARGV[5] == '1' then return { 'ok' } end

call('XDEL', KEYS[1], id)
letters_count(prefix, serial, -1)
claims.set(c, serial, num .. ':' .. row)
claims.save(c)
call('ZREM', prefix .. 'held', serial)
for i, name in ipairs({ 'failed', 'ended', 'dead' }) do
    if (tonumber(r[2 + i]) or 0) > 0 then call('HINCRBY', run_key, name, -1) end
end
if state ~= 'open' then
    call('HSET', run_key, 'state', 'open')
    call('HDEL', run_key, 'closed')
    call('HSET', prefix .. 'runs:open', num, run)
end
put_on(stream, 'm', KEYS[3], ARGV[3], 1)
return { 'ok' }
