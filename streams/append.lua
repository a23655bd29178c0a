#!lua
-- Takes events that are numbered already into one stream: keep, trim, publish, and replace the projection, as one step.
-- KEYS: log, meta [, projection]
-- ARGV: epoch, channel, first number, number of events n, max length, ttl, "1" to begin anew over a hole, max bytes (0:
--       of any size), n events, then, with a projection: revision, ttl, name, value, name, value ...
-- The first line makes Redis (7 and later) refuse the whole script when its memory is full, not half of it.
-- Returns {epoch, seq}: where the stream ends now. A seq below first - 1 is a hole: nothing was done, and what is missing
-- has to come first. A later epoch than the one given: nothing was done, and never will be.
local log, meta, hash = KEYS[1], KEYS[2], KEYS[3]
local epoch, channel, first, count = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local max_length, ttl, begin, max_bytes = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == '1', tonumber(ARGV[8])
local before_events = 8
local stored = redis.call('HMGET', meta, 'epoch', 'seq')
local seq = tonumber(stored[2])
-- Epochs begin with their time, so the later one is the greater text.
if count > 0 and stored[1] and stored[1] > epoch then
  return {stored[1], seq or 0}
end
-- A script that fails half-way keeps what it has done, so whatever can be of a wrong type is touched first.
local present = hash and tonumber(redis.call('HGET', hash, 'revision') or '')

if count > 0 then
  local is_new = stored[1] ~= epoch or not seq
  if not is_new and seq < first - 1 then
    if not begin then
      return {epoch, seq}
    end
    is_new = true
  end
  if is_new then
    redis.call('DEL', log)
    seq = first - 1
  end
  local known, added = seq, 0
  local now = redis.call('TIME')
  local stamp = now[1] .. string.format('%06d', now[2]) .. ' '
  for number = seq + 1, first + count - 1 do
    local event = ARGV[before_events + 1 + number - first]
    redis.call('XADD', log, number .. '-0', 'event', event)
    redis.call('PUBLISH', channel, stamp .. event)
    seq = number
    added = added + #event
  end
  if is_new then
    redis.call('HSET', meta, 'epoch', epoch, 'seq', seq)
  elseif seq > known then
    redis.call('HSET', meta, 'seq', seq)
  end
  if seq > known then
    if max_bytes > 0 then
      local bytes = (is_new and 0 or tonumber(redis.call('HGET', meta, 'bytes') or '0')) + added
      local length = redis.call('XLEN', log)
      while length > 1 and (length > max_length or bytes > max_bytes) do
        local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
        redis.call('XDEL', log, oldest[1])
        bytes, length = bytes - #oldest[2][2], length - 1
      end
      redis.call('HSET', meta, 'bytes', bytes)
    elseif seq > max_length then
      redis.call('XTRIM', log, 'MAXLEN', '=', max_length)
    end
    -- Two writes less for most appends: a sixty-fourth longer, and renewed when that is used up.
    if redis.call('TTL', log) < ttl then
      local longer = ttl + math.ceil(ttl / 64)
      redis.call('EXPIRE', log, longer)
      redis.call('EXPIRE', meta, longer)
    end
  end
end

if hash then
  local at = before_events + 1 + count
  local revision = tonumber(ARGV[at])
  if not present or revision >= present then
    redis.call('DEL', hash)
    redis.call('HSET', hash, 'revision', ARGV[at], unpack(ARGV, at + 2))
    redis.call('EXPIRE', hash, tonumber(ARGV[at + 1]))
  end
end
return {epoch, seq or 0}
