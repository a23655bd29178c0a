#!lua
-- Reserves one try, unless it could be one failure too many.
-- KEYS[1]: tries by their moment; a member that begins with "o" is of one under way, the others have failed.
-- ARGV: now, since when a try may be under way, the member, the longest window, then an amount and a window for each
-- limit; all in seconds.
-- Returns 0; or -1, when it depends on how those under way end; or after how many seconds a full window has room.
local now, member, longest = ARGV[1], ARGV[3], ARGV[4]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.6f', now - longest))
local under_way = 0
for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[2], '+inf')) do
  if string.sub(other, 1, 1) == 'o' then
    under_way = under_way + 1
  end
end
local is_held = false
for at = 5, #ARGV, 2 do
  local amount, window = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local since = '(' .. string.format('%.6f', now - window)
  local counted = redis.call('ZCOUNT', KEYS[1], since, '+inf')
  if counted - under_way >= amount then
    local oldest = redis.call('ZRANGEBYSCORE', KEYS[1], since, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
    return math.max(1, math.ceil(oldest + window - now))
  end
  is_held = is_held or counted >= amount
end
if is_held then
  return -1
end
redis.call('ZADD', KEYS[1], now, member)
redis.call('EXPIRE', KEYS[1], longest)
return 0
