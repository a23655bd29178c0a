#!lua flags=no-writes
-- The end of one stream and what came after a place in it, as one step.
-- KEYS: log, meta
-- ARGV: first id, how many at most
-- Returns {epoch, seq, {{id, {name, value}}, ...}}; the first two are nil when there is no stream.
local stored = redis.call('HMGET', KEYS[2], 'epoch', 'seq')
return {stored[1], stored[2], redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])}
