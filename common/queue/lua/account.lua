#!lua flags=allow-oom
-- Audit's settle: counts the outcomes of one message, ends the claims, lists the part that holds its records, and
-- starts the closing of the run where it was the last.
-- KEYS: audit, count:audit
-- ARGV: prefix, consumer, id, run, part name, sha256, spare uid, keep_ms (late claims), devices; of each device
--       (serial, row, outcome, is_maybe_sent)
-- -> {'ok'} · {'lost'}
local prefix, consumer, id, run = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local n, at, now = tonumber(ARGV[9]), 10, now_ms()
local run_key = prefix .. 'run:' .. run

if not is_owned(KEYS[1], 'audit', consumer, id) then return { 'lost', id } end
local bad = wrong_type(KEYS[2], 'hash') or wrong_type(run_key, 'hash') or wrong_type(run_key .. ':parts', 'hash')
    or wrong_type(prefix .. 'claims:meta', 'hash') or wrong_type(prefix .. 'held', 'zset')
    or wrong_type(prefix .. 'letters', 'hash')
    or denied(KEYS[1], 'XACK', 'XDEL', 'XLEN', 'XADD', 'ZADD', 'HSET', 'HGET', 'HMGET', 'HGETALL', 'HDEL', 'HEXISTS',
        'HINCRBY', 'DEL')
if bad then return bad end
if #ARGV ~= at - 1 + n * 4 then return refuse('ERR', 'account: ' .. #ARGV .. ' arguments for ' .. n .. ' devices') end

local num = call('HGET', run_key, 'num') or '0'
local has_letters = call('EXISTS', prefix .. 'letters') == 1
local c, totals, held = claims.open(prefix), {}, {}
-- Read before the first write: one of the hashes may be of another type by somebody's mistake.
for i = 1, n do held[i] = claims.get(c, ARGV[at + (i - 1) * 4]) end
take_off(KEYS[1], 'audit', { id }, KEYS[2], n)
for i = 1, n do
    local serial, row, outcome, is_late = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3] == '1'
    totals[outcome] = (totals[outcome] or 0) + 1
    if held[i] == num .. ':' .. row then
        if is_late then
            local till = now + tonumber(ARGV[8])
            claims.set(c, serial, num .. ':' .. row .. '@' .. string.format('%.0f', till))
            call('ZADD', prefix .. 'held', till, serial)
        else
            claims.del(c, serial)
        end
        if has_letters and call('HEXISTS', prefix .. 'letters', serial) == 1 then
            letters_count(prefix, serial, 0, run)
        end
    end
    at = at + 4
end
claims.save(c)
for outcome, count in pairs(totals) do call('HINCRBY', run_key, outcome, count) end
call('HINCRBY', run_key, 'ended', n)
if n > 0 then call('HSET', run_key .. ':parts', ARGV[5], ARGV[6] .. ' ' .. n) end
call('HINCRBY', KEYS[2], 'finished', n)
maybe_close(prefix, run, ARGV[7])
return { 'ok' }
