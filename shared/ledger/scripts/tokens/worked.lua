-- Marks a version of the tokens as one that the API has accepted, and drops the pair before it.
--
-- KEY account  prefix of the account's keys
-- ARG version  text  that the API has accepted
-- INCLUDE tokens
--
-- Returns 1, or 0 when another version is stored by now.

if stored("version") ~= version then
  return 0
end
redis.call("HDEL", TOKENS, "previous")
redis.call("HSET", TOKENS, "worked", version)
return 1
