#!lua flags=allow-oom
-- Validate's settle: registers a batch with its run, takes the claims of its devices, hands them on, and removes the
-- ingest message - all or nothing.
-- KEYS: ingest, count:validate, retry:validate, dead:validate, import, count:import, audit, count:audit
-- ARGV: 1 prefix, 2 consumer, 3 id, 4 run, 5 batch, 6 batches, 7 sha256, 8 rows of the whole batch, 9 is_part,
--       10 is_split (the message is halved: register it, claim nothing), 11 malformed (''/code), 12 spare uid,
--       13 mapping sha256, 14 mapping text ('' none to store), 15 run members, 16 claims, 17 publications, 18 letters,
--       19 and 20 hashes and seed of the claims as the caller knows them;
--       run members of (name, value); claims of (serial, row, number of its hash); publications of (stream index, field,
--       devices, delay, body); letters of (serial, run, row, seq, code, text, at, body, field)
-- -> {'ok', backlog of import, hashes, seed} · {'lost'} · {'repeated'} (removed: the same batch came before) · {'conflict', text} (another batch has this
--    number, or the run is over: nothing written) · {'claims', index, kind, ...} (nothing written) · {'later', ms}
local prefix, consumer, id, run = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local is_part, is_split, malformed = ARGV[9] == '1', ARGV[10] == '1', ARGV[11] ~= ''
local n_members, n_claims, n_pubs, n_letters =
    tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17]), tonumber(ARGV[18])
local now, at = now_ms(), 21
local run_key = prefix .. 'run:' .. run

if not is_owned(KEYS[1], 'validate', consumer, id) then return { 'lost', id } end
local bad = wrong_type(KEYS[2], 'hash') or wrong_type(KEYS[3], 'zset') or wrong_type(KEYS[4], 'stream')
    or wrong_type(KEYS[5], 'stream') or wrong_type(KEYS[6], 'hash') or wrong_type(KEYS[7], 'stream')
    or wrong_type(KEYS[8], 'hash') or wrong_type(run_key, 'hash') or wrong_type(run_key .. ':batches', 'hash')
    or wrong_type(prefix .. 'runs:lane', 'hash') or wrong_type(prefix .. 'runs:lanes', 'hash')
    or wrong_type(prefix .. 'runs', 'zset') or wrong_type(prefix .. 'runs:open', 'hash')
    or wrong_type(prefix .. 'runs:cancelled', 'set') or wrong_type(prefix .. 'letters', 'hash')
    or wrong_type(prefix .. 'rules:named', 'hash')
    or denied(KEYS[1], 'XACK', 'XDEL', 'XLEN', 'XADD', 'ZADD', 'SET', 'HSET', 'HSETNX', 'HGET', 'HMGET', 'HGETALL', 'HDEL',
        'HLEN', 'DEL', 'HINCRBY', 'SISMEMBER')
if bad then return bad end
if #ARGV ~= at - 1 + n_members * 2 + n_claims * 3 + n_pubs * 5 + n_letters * 9 then
    return refuse('ERR', 'register: ' .. #ARGV .. ' arguments do not fit their counts')
end

local have = call('HMGET', run_key, 'num', 'state', 'batches', 'come')
for _, lane in ipairs(LANES) do -- which of them is the run's is known only once it is registered
    bad = wrong_type(lane_key(KEYS[5], lane), 'stream') or wrong_type(lane_key(KEYS[7], lane), 'stream')
    if bad then return bad end
end
if is_part then -- a half lives on its parent's registration: without it, no count would ever close the run
    if call('HGET', run_key .. ':batches', ARGV[5]) ~= ARGV[7] then
        return { 'conflict', 'a part of batch ' .. ARGV[5] .. ' of run ' .. run .. ', which did not come' }
    end
else
    local before = call('HGET', run_key .. ':batches', ARGV[5])
    if before == ARGV[7] then
        take_off(KEYS[1], 'validate', { id }, KEYS[2], 0)
        return { 'repeated' }
    end
    if not malformed or have[1] then
        if before then return { 'conflict', 'batch ' .. ARGV[5] .. ' of run ' .. run .. ' came with other bytes before' } end
        if have[2] == 'cancelled' then -- nothing of it is to be done, and its manifest is out
            take_off(KEYS[1], 'validate', { id }, KEYS[2], 0)
            return { 'repeated' }
        end
        if have[2] and have[2] ~= 'open' then return { 'conflict', 'run ' .. run .. ' is ' .. have[2] } end
        if have[3] and have[3] ~= ARGV[6] and not malformed then
            return { 'conflict', 'run ' .. run .. ' has ' .. have[3] .. ' batches, this one says ' .. ARGV[6] }
        end
    end
end

local num, is_new = have[1], not have[1]
if is_new then
    local last = tonumber(call('GET', prefix .. 'runs:last') or 0)
    if not last or last < 0 or last >= 9007199254740992 or last ~= math.floor(last) then
        return refuse('KEYTYPE', prefix .. 'runs:last holds no number of a run: set it to the highest of ' .. prefix .. 'runs:open')
    end
    num = string.format('%.0f', last + 1)
end
local members_at, claims_at = at, at + n_members * 2

-- The claims are taken first, for that tells which of them are held: a look before would be a second call a device.
-- Where one is another's, all are given back.
local argv, doubtful = ARGV, {}
local c, broken
if n_claims > 0 then c, broken = claims.open(prefix, ARGV[19], ARGV[20]) end
if broken then return broken end
local function give_back(count)
    local next_doubtful = 1
    for i = 0, count - 1 do
        local serial = ARGV[claims_at + i * 3]
        if doubtful[next_doubtful] == i then
            next_doubtful = next_doubtful + 1
        else
            call('HDEL', claims.key(c, serial), serial)
        end
    end
end
local mine, pcall = num .. ':', redis.pcall
for at = claims_at, claims_at + (n_claims - 1) * 3, 3 do
    local serial = argv[at]
    local key = claims.key(c, serial, argv[at + 2])
    local taken = pcall('HSETNX', key, serial, mine .. argv[at + 1])
    if taken == 0 then
        doubtful[#doubtful + 1] = (at - claims_at) / 3
    elseif taken ~= 1 then
        give_back((at - claims_at) / 3)
        return wrong_type(key, 'hash') or taken
    end
end
local conflicts = { 'claims' }
for _, i in ipairs(doubtful) do
    local kind, till = claims.judge(c, prefix, ARGV[claims_at + i * 3], is_new and '0' or num,
        ARGV[claims_at + i * 3 + 1], now)
    if kind == 'later' then
        give_back(n_claims)
        return { 'later', till - now }
    end
    -- Claims are taken in the step that registers a batch, so one of this run and row is another batch's: of a producer
    -- that gives no rows, say.
    if kind == 'mine' then kind = 'same' end
    if kind == 'same' or kind == 'other' then
        conflicts[#conflicts + 1] = i
        conflicts[#conflicts + 1] = kind
    end
end
if #conflicts > 1 then
    give_back(n_claims)
    return conflicts
end

take_off(KEYS[1], 'validate', { id }, KEYS[2], 0)
if is_new then
    call('SET', prefix .. 'runs:last', num)
    call('HSET', run_key, 'num', num, 'state', 'open', 'batches', ARGV[6], 'created', now)
    for i = 0, n_members - 1 do
        local name, value = ARGV[members_at + i * 2], ARGV[members_at + i * 2 + 1]
        if value ~= '' then call('HSET', run_key, name, value) end
        -- How many kept runs name a mapping: it goes with the last (trim.lua).
        if name == 'mapping_sha256' and value ~= '' then call('HINCRBY', prefix .. 'rules:named', value, 1) end
    end
    if call('SISMEMBER', prefix .. 'runs:cancelled', run) == 1 then call('HSET', run_key, 'is_cancelled', 1) end
    call('HSET', prefix .. 'runs:open', num, run)
    call('ZADD', prefix .. 'runs', now, run)
    lane_take(prefix, run, call('HGET', run_key, 'urgent') == '1')
end
if not is_part then
    call('HSET', run_key .. ':batches', ARGV[5], ARGV[7])
    call('HINCRBY', run_key, 'come', 1)
    call('HINCRBY', run_key, 'expected', tonumber(ARGV[8]))
    if malformed then call('HINCRBY', run_key, 'malformed', 1) end
end
if ARGV[14] ~= '' then
    call('SET', prefix .. 'rules:' .. ARGV[13], ARGV[14])
end
if n_claims > 0 then
    for _, i in ipairs(doubtful) do -- of a run that is over
        claims.set(c, ARGV[claims_at + i * 3], mine .. ARGV[claims_at + i * 3 + 1])
    end
    c.count = c.count + n_claims - #doubtful
    claims.save(c)
end
at = claims_at + n_claims * 3
local lane = call('HGET', prefix .. 'runs:lane', run) or '0'
for _ = 1, n_pubs do
    local target, field, n, delay, body =
        tonumber(ARGV[at]), ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), ARGV[at + 4]
    if target == 0 then
        call('ZADD', KEYS[3], now + delay, body)
        call('HINCRBY', KEYS[2], 'parked', n)
    elseif target == 3 then -- back onto ingest
        call('XADD', lane_key(KEYS[1], lane), '*', field, body)
    else
        put_on(lane_key(KEYS[3 + target * 2], lane), field, KEYS[4 + target * 2], body, n)
    end
    at = at + 5
end
for _ = 1, n_letters do
    local serial = ARGV[at]
    call('XADD', KEYS[4], '*', 'run', ARGV[at + 1], 'serial', serial, 'row', ARGV[at + 2], 'seq', ARGV[at + 3],
        'code', ARGV[at + 4], 'text', ARGV[at + 5], 'at', ARGV[at + 6], ARGV[at + 8], ARGV[at + 7])
    if serial ~= '' then
        call('HINCRBY', run_key, 'dead', 1)
        letters_count(prefix, serial, 1, run)
    end
    at = at + 9
end
if not is_split then maybe_close(prefix, run, ARGV[12]) end
return { 'ok', tonumber(call('HGET', KEYS[6], 'stream')) or 0, c and c.n or 0, c and c.seed or 0 }
