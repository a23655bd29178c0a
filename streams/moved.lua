#!lua flags=no-writes
-- Which of many streams end elsewhere than believed.
-- KEYS: meta of each stream. ARGV: for each "epoch:seq", ":0" for one that does not exist.
-- Returns the numbers, counted from 1, of those that do.
local moved = {}
for number, meta in ipairs(KEYS) do
  local stored = redis.call('HMGET', meta, 'epoch', 'seq')
  local place = stored[1] and stored[2] and stored[1] .. ':' .. stored[2] or ':0'
  if place ~= ARGV[number] then
    moved[#moved + 1] = number
  end
end
return moved
