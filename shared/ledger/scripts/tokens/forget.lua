-- Forgets an account's tokens. A refresh that is under way will find its refresh token gone.
--
-- KEY account  prefix of the account's keys
-- INCLUDE tokens
--
-- Returns 1, or 0 when there were none. The digests of spent refresh tokens stay: none of them
-- may ever be sent again.

local version = stored("version")
if not stored("access") then
  return 0
end
redis.call("DEL", TOKENS)
-- Versions go on where they were: processes remember which of them the API refused.
redis.call("HSET", TOKENS, "version", version)
return 1
