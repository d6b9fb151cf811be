-- Notes that a call with the account's token succeeded just now.
--
-- KEY account  prefix of the account's keys
-- INCLUDE clock
--
-- Returns 1.

redis.call("SET", account .. "succeeded-at", text(now))
return 1
