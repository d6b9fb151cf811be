-- Notes where an account's tokens were got, unless somebody else has noted another place meanwhile.
--
-- KEY account  prefix of the account's keys
-- ARG before  text?  what is noted so far, if anything is
-- ARG origin  text  the addresses of the API and of its authorization server
-- INCLUDE tokens
--
-- Returns 1, or 0 when the account has no tokens, or another origin is noted by now.

if not stored("access") or (stored("origin") or nil) ~= before then
  return 0
end
redis.call("HSET", TOKENS, "origin", origin)
return 1
