-- Reads an account's tokens and, in the same moment, the time.
--
-- KEYS[1] -> relay:{A}:
--
-- Returns {now in ms, flat list of the fields of relay:{A}:tokens, empty when there are none}.
--@include _clock
local A = KEYS[1]
--@include _token
return { now, redis.call("HGETALL", TOKENS) }
