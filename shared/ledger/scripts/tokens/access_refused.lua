-- Marks a version of the tokens as one whose access token the API refuses.
--
-- KEY account  prefix of the account's keys
-- ARG version  text  that the API has refused
-- INCLUDE tokens
--
-- Returns 1, or 0 when another version is stored by now.

if stored("version") ~= version then
  return 0
end
redis.call("HSET", TOKENS, "access_refused", version)
return 1
