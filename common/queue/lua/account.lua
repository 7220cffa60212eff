#!lua flags=allow-oom
-- Audit's settle: counts the outcomes of one message, ends the claims, lists the part that holds its records, and
-- starts the closing of the run where it was the last.
-- KEYS: audit, count:audit
-- ARGV: prefix, consumer, id, run, part name, sha256, spare uid, keep_ms (late claims), devices, outcomes, late ones,
--       hashes and seed of the claims as the caller knows them, max_failed in percent ('' no brake), failed ones, rows not
--       weighed; of each device (serial, row, number of its hash); of each outcome (name, count); late ones: whose claims
--       are kept on (1 the first); failed ones, the same way, where there is the brake; rows of those that were not weighed,
--       where there is the brake on changes
-- -> {'ok', hashes, seed} · {'lost'}
local prefix, consumer, id, run = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local n, n_outcomes, n_late, now = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), now_ms()
local n_failed, n_unweighed, percent = tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[14])
local argv, at, run_key = ARGV, 17, prefix .. 'run:' .. run

if not is_owned(KEYS[1], 'audit', consumer, id) then return { 'lost', id } end
local bad = wrong_type(KEYS[2], 'hash') or wrong_type(run_key, 'hash') or wrong_type(run_key .. ':parts', 'hash')
    or wrong_type(prefix .. 'held', 'zset') or wrong_type(prefix .. 'letters', 'hash')
    or denied(KEYS[1], 'XACK', 'XDEL', 'XLEN', 'XADD', 'ZADD', 'HSET', 'HGET', 'HMGET', 'HGETALL', 'HDEL', 'HEXISTS',
        'HINCRBY', 'DEL', 'HLEN')
if not bad and (percent or n_unweighed > 0) then
    bad = wrong_type(prefix .. 'runs:paused', 'hash') or wrong_type(run_key .. ':weights', 'hash')
end
if bad then return bad end
if #ARGV ~= at - 1 + n * 3 + n_outcomes * 2 + n_late + n_failed + n_unweighed then
    return refuse('ERR', 'account: ' .. #ARGV .. ' arguments for ' .. n .. ' devices')
end

-- Whose claims are to end: one that another run or row holds by now stays.
local r
if percent then
    r = call('HMGET', run_key, 'num', 'window', 'ended', 'brake_failed', 'expected', 'batches', 'come', 'awaited', 'state',
        'is_cancelled')
else
    r = { call('HGET', run_key, 'num') }
end
local mine = (r[1] or '0') .. ':'
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
local late_at = at + n * 3 + n_outcomes * 2
local failed_at = late_at + n_late
for i = late_at, failed_at - 1 do late[tonumber(ARGV[i])] = true end

-- How the run's last 1,000 devices ended, these behind them: lengths of alternating rows of good and failed ones. -> the
-- same as text, how many failed, of how many
local function look_back(text, ended)
    local rows, total, failed = {}, 0, 0
    for length in string.gmatch(text or string.format('%.0f', math.min(1000, ended)), '%d+') do
        rows[#rows + 1] = tonumber(length)
    end
    local function add(is_failed, count)
        if (#rows % 2 == 0) ~= is_failed then rows[#rows + 1] = 0 end -- the first row is good ones
        rows[#rows] = rows[#rows] + count
    end
    local next_failed = 1
    for i = 1, n do
        local is_failed = next_failed <= n_failed and tonumber(ARGV[failed_at + next_failed - 1]) == i
        if is_failed then next_failed = next_failed + 1 end
        add(is_failed, 1)
    end
    for i, length in ipairs(rows) do
        total = total + length
        if i % 2 == 0 then failed = failed + length end
    end
    local i = 1
    while total > 1000 do
        local cut = math.min(rows[i], total - 1000)
        rows[i], total = rows[i] - cut, total - cut
        if i % 2 == 0 then failed = failed - cut end
        if rows[i] == 0 then i = i + 1 end
    end
    if i % 2 == 0 then i, rows[i - 1] = i - 1, 0 end
    return table.concat(rows, ',', i), failed, total
end

-- The brake on failures: before the run closes, and where something of it is left to be done.
local function brake(ended)
    local rows = (tonumber(r[5]) or 0) + count_unseen(0, 0, r[6], r[7], r[8])
    if r[4] or r[9] ~= 'open' or r[10] or percent >= 100 or (not r[2] and n_failed == 0) then return end
    local window, failed, last = look_back(r[2], ended - n)
    call('HSET', run_key, 'window', window)
    local of = math.min(1000, rows)
    if failed * 100 > percent * of and ended < rows then
        call('HSET', run_key, 'brake_failed', 'on')
        pause_run(prefix, run, 'brake max_failed', failed .. ' of the last ' .. last .. ' devices failed (max_failed '
            .. percent .. '% of ' .. string.format('%.0f', of) .. ')', now)
    end
end

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
local ended = call('HINCRBY', run_key, 'ended', n)
if n > 0 then call('HSET', run_key .. ':parts', ARGV[5], ARGV[6] .. ' ' .. n) end
call('HINCRBY', KEYS[2], 'finished', n)
if n_unweighed > 0 then
    local w, weighed = weights.open(prefix, run), 0
    for i = failed_at + n_failed, #ARGV do
        if weights.get(w, tonumber(ARGV[i])) == ' ' then
            weights.set(w, tonumber(ARGV[i]), 'n')
            weighed = weighed + 1
        end
    end
    weights.save(w)
    if weighed > 0 then call('HINCRBY', run_key, 'weighed', weighed) end
end
if percent then brake(ended) end
maybe_close(prefix, run, ARGV[7])
return { 'ok', c.n, c.seed }
