#!lua
-- Renews the leases of many readers, also those that Redis has lost, or ends them.
-- KEYS: of each lease its set. ARGV: for how many ms they hold (0: not any more), of each its name.
local ttl = tonumber(ARGV[1])
local time = redis.call('TIME')
local ends_at = time[1] * 1000 + math.floor(time[2] / 1000) + ttl
for number, set in ipairs(KEYS) do
  local name = ARGV[1 + number]
  if ttl == 0 then
    redis.call('ZREM', set, name)
  else
    redis.call('ZADD', set, ends_at, name)
    redis.call('PEXPIRE', set, ttl)
  end
end
return 0
