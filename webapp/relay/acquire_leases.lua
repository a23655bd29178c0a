#!lua
-- Takes a reader's lease in each of its sets, or in none. Repeating it changes nothing.
-- KEYS: the sets. ARGV: for how many ms it holds, its name, of each set how many leases there may be.
-- Returns 0, or the number, counted from 1, of the first set that is full.
-- By the clock of Redis alone: those of the hosts may be apart.
local ttl, name = tonumber(ARGV[1]), ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for number, set in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', set, '-inf', now)
  if redis.call('ZCARD', set) >= tonumber(ARGV[2 + number]) and not redis.call('ZSCORE', set, name) then
    return number
  end
end
for _, set in ipairs(KEYS) do
  redis.call('ZADD', set, now + ttl, name)
  redis.call('PEXPIRE', set, ttl)
end
return 0
