#!lua flags=allow-oom
-- Audit's settle: counts the outcomes of one message, ends the claims, lists the part that holds its records, and
-- starts the closing of the run where it was the last.
-- KEYS: audit, count:audit
-- ARGV: prefix, consumer, id, run, part name, sha256, spare uid, keep_ms (late claims), devices, outcomes, late ones,
--       hashes and seed of the claims as the caller knows them; of each device (serial, row, number of its hash); of each
--       outcome (name, count); late ones: whose claims are kept on (1 the first)
-- -> {'ok', hashes, seed} · {'lost'}
local prefix, consumer, id, run = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local n, n_outcomes, n_late, now = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), now_ms()
local argv, at, run_key = ARGV, 14, prefix .. 'run:' .. run

if not is_owned(KEYS[1], 'audit', consumer, id) then return { 'lost', id } end
local bad = wrong_type(KEYS[2], 'hash') or wrong_type(run_key, 'hash') or wrong_type(run_key .. ':parts', 'hash')
    or wrong_type(prefix .. 'held', 'zset') or wrong_type(prefix .. 'letters', 'hash')
    or denied(KEYS[1], 'XACK', 'XDEL', 'XLEN', 'XADD', 'ZADD', 'HSET', 'HGET', 'HMGET', 'HGETALL', 'HDEL', 'HEXISTS',
        'HINCRBY', 'DEL', 'HLEN')
if bad then return bad end
if #ARGV ~= at - 1 + n * 3 + n_outcomes * 2 + n_late then
    return refuse('ERR', 'account: ' .. #ARGV .. ' arguments for ' .. n .. ' devices')
end

-- Whose claims are to end: one that another run or row holds by now stays.
local mine = (call('HGET', run_key, 'num') or '0') .. ':'
local c, broken = claims.open(prefix, ARGV[12], ARGV[13])
if broken then return broken end
local keys, late, pcall = {}, {}, redis.pcall
for i = 1, n do
    local serial = argv[at + i * 3 - 3]
    local key = claims.key(c, serial, argv[at + i * 3 - 1])
    local held = pcall('HGET', key, serial)
    if held == mine .. argv[at + i * 3 - 2] then
        keys[i] = key
    elseif type(held) == 'table' then
        return wrong_type(key, 'hash') or held
    end
end
for i = #ARGV - n_late + 1, #ARGV do late[tonumber(ARGV[i])] = true end

take_off(KEYS[1], 'audit', { id }, KEYS[2], n)
local has_letters = call('EXISTS', prefix .. 'letters') == 1
local till = string.format('%.0f', now + tonumber(ARGV[8]))
for i = 1, n do
    local serial, key = argv[at + i * 3 - 3], keys[i]
    if key and late[i] then
        call('HSET', key, serial, mine .. ARGV[at + i * 3 - 2] .. '@' .. till)
        call('ZADD', prefix .. 'held', till, serial)
    elseif key then
        claims.del(c, key, serial)
    end
    if key and has_letters and call('HEXISTS', prefix .. 'letters', serial) == 1 then
        letters_count(prefix, serial, 0, run)
    end
end
if n > 0 then claims.save(c) end
at = at + n * 3
for _ = 1, n_outcomes do
    call('HINCRBY', run_key, ARGV[at], ARGV[at + 1])
    at = at + 2
end
call('HINCRBY', run_key, 'ended', n)
if n > 0 then call('HSET', run_key .. ':parts', ARGV[5], ARGV[6] .. ' ' .. n) end
call('HINCRBY', KEYS[2], 'finished', n)
maybe_close(prefix, run, ARGV[7])
return { 'ok', c.n, c.seed }
