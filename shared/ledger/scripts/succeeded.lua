-- Notes that a call with an account's token succeeded just now.
--
-- KEYS[1] -> relay:{A}:
--
-- Returns 1.
--@include _clock
redis.call("SET", KEYS[1] .. "succeeded-at", text(now))
return 1
