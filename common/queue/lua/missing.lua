#!lua flags=no-writes
-- What a run lacks: batches that neither came nor are on their way, devices that neither ended nor stand anywhere. In one
-- script, so that nothing is between two places while it looks; it reads every message of the organization, and is for
-- runs that do not move.
-- KEYS: run:R. ARGV: prefix, run, wants_rows
-- -> {'none'} (no batch of it was ever registered), batches on their way, or {state, batches on their way, batches, come,
--    expected, ended, devices on their way, is_excused (it waits for no more batches), row, ...}
local bad = wrong_type(KEYS[1], 'hash') or wrong_type(KEYS[1] .. ':batches', 'hash') or wrong_message_type(ARGV[1])
if bad then return bad end
local r = call('HMGET', KEYS[1], 'state', 'batches', 'come', 'expected', 'ended', 'awaited')
local n_rows, n_batches, rows = whereabouts(ARGV[1], ARGV[2], all_stages, ARGV[3] == '1')
if not r[1] then return { 'none', n_batches } end
local out = { r[1], n_batches, tonumber(r[2]) or 1, tonumber(r[3]) or 0, tonumber(r[4]) or 0, tonumber(r[5]) or 0, n_rows,
    r[6] and 1 or 0 }
if ARGV[3] == '1' then
    for row in pairs(rows) do out[#out + 1] = tonumber(row) end
end
return out
