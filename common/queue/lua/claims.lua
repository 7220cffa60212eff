-- Claims (behind the prelude, for the scripts that name them): serial -> "NUM:ROW" in hashes claims:0 .. claims:n-1.
-- Linear hashing: there are more of them when they hold over MOST on average, fewer below LEAST, then MIDDLE. A hash that is not
-- split yet holds twice the average, and hashing scatters: with these figures none comes near 100 fields, however
-- many claims there are, so each is stored as one flat list. The seed is new each time the first claim is taken, so
-- that nobody can choose serials that meet in one hash.
local claims = {}
local MOST, MIDDLE, LEAST, STEPS_MOST, HASHES_MOST = 16, 12, 9, 128, 1048576
local PRIME = 4294967291 -- below 2^32: with a seed below 2^20 every product is exact in Lua's numbers

-- As text or number; nil: not a whole number of this range ("inf" and "nan" are numbers to Lua).
local function whole(value, least, most)
    local number = tonumber(value)
    if number and number >= least and number <= most and number == math.floor(number) then return number end
end

local function set_number(c, n)
    c.n, c.level = n, 1
    while c.level * 2 <= n do c.level = c.level * 2 end
    c.twice = c.level * 2
end

-- The claims as they stand, for a caller that takes them to be in n hashes by that seed (texts, nil: it does not say);
-- nil and an error where claims:meta says what no script of ours wrote: with a wrong number
-- of hashes every claim would be looked for in the wrong one. Nothing was written yet.
function claims.open(prefix, known_n, known_seed)
    local key = prefix .. 'claims:meta'
    local bad = wrong_type(key, 'hash')
    if bad then return nil, bad end
    local meta = call('HMGET', key, 'n', 'count', 'seed')
    local n = whole(meta[1] or 1, 1, HASHES_MOST)
    local count = whole(meta[2] or 0, -9007199254740992, 9007199254740992)
    local seed = whole(meta[3] or 0, 0, 1048575)
    if not n or not count or not seed or (n > 1 and seed == 0) then
        local told = {}
        for i = 1, 3 do told[i] = string.format('%q', string.sub(meta[i] or 'absent', 1, 24)) end
        return nil, refuse('KEYTYPE', key .. ' holds no numbers of ours (n ' .. told[1] .. ', count ' .. told[2] .. ', seed '
            .. told[3] .. '): restore it, or, while no run is open, delete it and all of ' .. prefix .. 'claims:*')
    end
    if seed == 0 then seed = 524288 + (call('TIME')[2] * 2 + 1) % 524288 end
    local c = { prefix = prefix .. 'claims:', count = count, seed = seed,
        is_known = meta[1] and meta[1] == known_n and meta[3] == known_seed }
    set_number(c, n)
    return c
end

-- As claims_slot in claims.c computes it: four bytes at a time, then the high bits into the low ones, which choose.
local function slot_of(c, serial)
    local seed, len, h = c.seed, #serial, #serial
    for i = 1, len - 3, 4 do h = (h * seed + struct.unpack('>I4', serial, i)) % PRIME end
    for i = len - len % 4 + 1, len do h = (h * seed + string.byte(serial, i)) % PRIME end
    for _ = 1, 3 do h = (h + (h - h % 65536) / 65536) * seed % PRIME end
    h = h + (h - h % 65536) / 65536
    local slot = h % c.twice
    if slot < c.n then return slot end
    return h % c.level
end

-- The hash that holds the claim of serial, or would. slot: what the caller makes of it, nil: it does not say. To compute
-- and to print it here costs as much as the command that follows, so the caller's is taken where it knows n and seed.
function claims.key(c, serial, slot)
    if slot and c.is_known then return c.prefix .. slot end
    return string.format('%s%d', c.prefix, c.n > 1 and slot_of(c, serial) or 0)
end

function claims.get(c, serial)
    return call('HGET', claims.key(c, serial), serial)
end

function claims.set(c, serial, value)
    c.count = c.count + call('HSET', claims.key(c, serial), serial, value)
end

function claims.del(c, key, serial)
    c.count = c.count - call('HDEL', key, serial)
end

-- Fields of a hash, some at a time: Lua passes no more than some thousand values to a call.
local function in_parts(command, key, list)
    for from = 1, #list, 200 do call(command, key, unpack(list, from, math.min(from + 199, #list))) end
end

-- A hash of the wrong type is somebody's mistake: until it is mended their number stays as it is.
local function is_sound(...)
    for _, key in ipairs({ ... }) do
        if wrong_type(key, 'hash') then return false end
    end
    return true
end

local function grow(c)
    local from, to = c.prefix .. (c.n - c.level), c.prefix .. c.n
    if c.n >= HASHES_MOST or not is_sound(from, to) then return false end
    local all, last = call('HGETALL', from), c.n
    local fields, moved = {}, {} -- the latter with their values
    set_number(c, last + 1)
    for i = 1, #all, 2 do
        if slot_of(c, all[i]) == last then
            fields[#fields + 1] = all[i]
            moved[#moved + 1] = all[i]
            moved[#moved + 1] = all[i + 1]
        end
    end
    in_parts('HSET', to, moved)
    in_parts('HDEL', from, fields)
    return true
end

local function shrink(c)
    local last = c.n - 1
    local level = c.level <= last and c.level or c.level / 2
    local from, to = c.prefix .. last, c.prefix .. (last - level)
    if not is_sound(from, to) then return false end
    in_parts('HSET', to, call('HGETALL', from))
    call('DEL', from)
    set_number(c, last)
    return true
end

-- Fits the number of hashes to what they hold, some steps a script, and writes both down. Many steps at once, past what
-- must be, since each new number leaves all callers with an old one. One hash alone is counted.
function claims.save(c)
    local step = c.count > MOST * c.n and grow or c.n > 1 and c.count < LEAST * c.n and shrink
    local left = step and STEPS_MOST or 0
    while left > 0 and (step == grow and c.count > MIDDLE * c.n or step == shrink and c.n > 1 and c.count <= MIDDLE * (c.n - 1))
        and step(c) do
        left = left - 1
    end
    if c.n == 1 and is_sound(c.prefix .. '0') then c.count = call('HLEN', c.prefix .. '0') end
    if c.n == 1 and c.count <= 0 then
        call('DEL', c.prefix .. 'meta')
    else
        call('HSET', c.prefix .. 'meta', 'n', c.n, 'count', c.count, 'seed', c.seed)
    end
end

-- What a claim means for the run `num` and `row`: 'free', 'mine', 'same' (another row of this run), 'other', or
-- 'later' with the time until which it is kept against late writes.
function claims.judge(c, prefix, serial, num, row, now)
    local held = claims.get(c, serial)
    if not held then return 'free' end
    local n, r, till = string.match(held, '^(%d+):(%d+)@?(%d*)$')
    if not n or #till > 15 then return 'free' end -- not written by us: it holds nobody up
    if till ~= '' then
        if tonumber(till) > now and n ~= num then return 'later', tonumber(till) end
        return 'free'
    end
    if n == num then
        if r == row then return 'mine' end
        return 'same'
    end
    if call('HEXISTS', prefix .. 'runs:open', n) == 0 then return 'free' end
    return 'other'
end
