#!lua flags=allow-oom
-- The brake on changes: weighs devices of one run, each row once however often it comes, and grants as many changes of
-- existing assignments as the run may make so far. Where more are to change than may ever be granted the run pauses.
-- KEYS: run:R, run:R:weights, runs:paused, count:assign
-- ARGV: 1 prefix, 2 run, 3 most percent, 4 most parked devices, then of each device (row, what): 'n' it has no assignment,
--       'e' it has one that stays, 'c' one that is to change, 'h' it was held, and is not looked at anew
-- -> {1 granted · 0 held, ...}, in their order; then 1 where the run is paused now by this brake, else 0
local prefix, run, percent, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local bad = wrong_type(KEYS[1], 'hash') or wrong_type(KEYS[2], 'hash') or wrong_type(KEYS[3], 'hash')
    or wrong_type(KEYS[4], 'hash') or denied(KEYS[1], 'HGET', 'HMGET', 'HSET', 'HINCRBY')
if bad then return bad end
local r = call('HMGET', KEYS[1], 'state', 'expected', 'weighed', 'batches', 'come', 'awaited', 'existing', 'changing', 'granted',
    'brake_changes', 'is_cancelled', 'plan_unchanged', 'ended')
local besides = tonumber(r[12]) or 0 -- of a plan: what it leaves as it is stands in no message
local was = { weighed = tonumber(r[3]) or 0, existing = tonumber(r[7]) or 0, changing = tonumber(r[8]) or 0,
    granted = tonumber(r[9]) or 0 }
local is = { weighed = was.weighed, existing = was.existing, changing = was.changing, granted = was.granted }
local out, candidates, w = {}, {}, weights.open(prefix, run)

-- A run that nobody knows of, or that is over, has no brake: what its devices may do is decided elsewhere.
local is_known = r[1] == 'open' or r[1] == 'closing'
for i = 1, (#ARGV - 4) / 2 do
    local row, what = tonumber(ARGV[3 + i * 2]), ARGV[4 + i * 2]
    local before = is_known and weights.get(w, row) or 'g'
    out[i] = 1
    if what == 'h' and before ~= 'h' then
        what = '' -- granted meanwhile, or never weighed: it is to be looked at anew
    elseif what == 'h' or (what == 'c' and before ~= 'g') then
        if before ~= 'h' then is.changing = is.changing + 1 end
        candidates[#candidates + 1] = i
    end
    if what ~= '' and before == ' ' then
        is.weighed = is.weighed + 1
        weights.set(w, row, what == 'n' and 'n' or 'e')
    end
    if (what == 'e' or what == 'c') and (before == ' ' or before == 'n') then
        is.existing = is.existing + 1
        weights.set(w, row, 'e')
    end
end

-- Rows that ended while nobody weighed them (the limit was set in the middle of the run, an audit of an older version
-- counted them) do not come any more: those held would wait for them for ever.
local over = (tonumber(r[13]) or 0) + is.changing - is.granted
local unseen = count_unseen(r[2], math.max(is.weighed, over), r[4], r[5], r[6])
local is_off = r[10] == 'off' or r[11] or not is_known
local reason
if not is_off and r[10] ~= 'on' and is.changing * 100 > percent * (is.existing + besides + unseen) then
    local share = string.gsub(string.format('%.1f', math.ceil(is.changing * 1000 / (is.existing + besides + unseen)) / 10), '%.0$', '')
    reason = (unseen > 0 and 'at least ' or '') .. share .. ' % of the existing assignments would change (max_changes '
        .. percent .. '%)'
end
local allowed = (reason or r[10] == 'on') and 0 or math.floor(percent * (is.existing + besides) / 100) - is.granted
local held = 0
for _, i in ipairs(candidates) do
    local row = tonumber(ARGV[3 + i * 2])
    if is_off or allowed > 0 then
        allowed, is.granted = allowed - 1, is.granted + 1
        weights.set(w, row, 'g')
    else
        out[i], held = 0, held + 1
        if weights.get(w, row) ~= 'h' then weights.set(w, row, 'h') end
    end
end
-- Those that wait for the rest of the run, and the rest of the run for room here, would wait for ever.
if held > 0 and not is_off and not reason and r[10] ~= 'on' and unseen > 0
    and (tonumber(call('HGET', KEYS[4], 'parked')) or 0) + held >= most then
    reason = 'more changes of existing assignments wait for the rest of the run than may be parked (max_parked ' .. ARGV[4]
        .. ', max_changes ' .. percent .. '%)'
end

if is_known then
    weights.save(w)
    for name, number in pairs(is) do
        if number ~= was[name] then call('HINCRBY', KEYS[1], name, number - was[name]) end
    end
end
if reason then
    call('HSET', KEYS[1], 'brake_changes', 'on')
    pause_run(prefix, run, 'brake max_changes', reason, now_ms())
end
out[#out + 1] = reason and 1 or 0
return out
