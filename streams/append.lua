#!lua
-- Appends events to one stream: number, store, trim, publish, and replace the projection, as one step.
-- KEYS: log, meta, ids [, projection]
-- ARGV: new epoch, channel, max length, ttl, "1" to do nothing when the projection there is newer,
--       number of events n, then n times (event id, body),
--       then, with a projection: revision, ttl, name, value, name, value ...
-- The first line makes Redis (7 and later) refuse the whole script when its memory is full, not half of it.
-- Returns {epoch, seq, seq, ...}, one number per event in the order given; {} when it did nothing.
local log, meta, ids = KEYS[1], KEYS[2], KEYS[3]
local channel, max_length, ttl, count = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6])
local stored = redis.call('HMGET', meta, 'epoch', 'seq')
local epoch, seq = stored[1], tonumber(stored[2])
local answer = {epoch or ''}
-- A script that fails half-way keeps what it has done, so whatever can be of a wrong type is touched first.
local hash = KEYS[4]
local present = hash and tonumber(redis.call('HGET', hash, 'revision') or '')
local revision = hash and tonumber(ARGV[7 + 2 * count])
if ARGV[5] == '1' and present and present > revision then
  return {}
end

if count > 0 then
  if not epoch or not seq then
    -- Without the numbering the rest is of a lost history (an eviction takes single keys).
    redis.call('DEL', log, ids)
    epoch, seq = ARGV[1], 0
    redis.call('HSET', meta, 'epoch', epoch, 'seq', 0)
  end
  answer[1] = epoch
  local now = redis.call('TIME')
  local stamp = now[1] .. string.format('%06d', now[2])
  local first = seq
  for i = 1, count do
    local id, body = ARGV[5 + 2 * i], ARGV[6 + 2 * i]
    local known = redis.call('ZSCORE', ids, id)
    if known then
      answer[i + 1] = tonumber(known)
    else
      seq = seq + 1
      answer[i + 1] = seq
      redis.call('XADD', log, seq .. '-0', 'body', body)
      redis.call('ZADD', ids, seq, id)
      local head = '{"seq":' .. string.format('%d', seq) .. ',"epoch":"' .. epoch .. '"'
      local json = head .. (body == '{}' and '}' or ',' .. string.sub(body, 2))
      redis.call('PUBLISH', channel, stamp .. ' ' .. json)
    end
  end
  if seq > first then
    redis.call('HSET', meta, 'seq', seq)
    if seq > max_length then
      redis.call('XTRIM', log, 'MAXLEN', '=', max_length)
      -- Ids outlive their events once over: a sender that repeats itself late is still recognised.
      redis.call('ZREMRANGEBYSCORE', ids, '-inf', seq - 2 * max_length)
    end
  end
  -- Three writes less for most appends: a sixty-fourth longer, and renewed when that is used up.
  if redis.call('TTL', log) < ttl or redis.call('TTL', ids) < ttl then
    local longer = ttl + math.ceil(ttl / 64)
    redis.call('EXPIRE', log, longer)
    redis.call('EXPIRE', meta, longer)
    redis.call('EXPIRE', ids, longer)
  end
end

if hash then
  local at = 7 + 2 * count
  if not present or revision >= present then
    redis.call('DEL', hash)
    redis.call('HSET', hash, 'revision', ARGV[at])
    for i = at + 2, #ARGV, 2 do
      redis.call('HSET', hash, ARGV[i], ARGV[i + 1])
    end
    redis.call('EXPIRE', hash, tonumber(ARGV[at + 1]))
  end
end
return answer
