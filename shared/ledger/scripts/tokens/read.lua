-- Reads an account's tokens and, in the same moment, the time.
--
-- KEY account  prefix of the account's keys
-- INCLUDE clock tokens
--
-- Returns {now in ms, flat list of the fields of the account's tokens, empty without tokens}.

return { now, redis.call("HGETALL", TOKENS) }
