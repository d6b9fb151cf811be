-- Notes that a process is alive, and forgets those that have been silent for an hour.
--
-- KEYS[1] -> zset: process name -> last seen, ms
-- ARGV[1] -> process name
--
-- Returns 1.
--@include _clock
redis.call("ZADD", KEYS[1], text(now), ARGV[1])
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", text(now - 3600000))
return 1
