#!lua flags=no-writes
-- The end of one stream and what came after a place in it, as one step.
-- KEYS: log, meta
-- ARGV: the last number read, how many events at most, how many bytes at most (one event always comes)
-- Returns {epoch, seq, {event, ...}}; the first two are nil when there is no stream. The events follow each other without
-- a hole, but the first of them need not follow the place.
local stored = redis.call('HMGET', KEYS[2], 'epoch', 'seq')
local after, limit, bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local events = {}
while #events < limit and bytes > 0 do
  local entries = redis.call('XRANGE', KEYS[1], '(' .. after .. '-0', '+', 'COUNT', math.min(16, limit - #events))
  if #entries == 0 then
    break
  end
  for _, entry in ipairs(entries) do
    local event = entry[2][2]
    bytes = bytes - #event
    if bytes < 0 and #events > 0 then
      break
    end
    events[#events + 1] = event
    after = string.match(entry[1], '^%d+')
  end
end
return {stored[1], stored[2], events}
