-- Frees the token lock, if it is still the caller's.
--
-- KEY account  prefix of the account's keys
-- ARG holder  text  of the lock
-- INCLUDE tokens
--
-- Returns 1, or 0 when it was not.

if redis.call("GET", LOCK) ~= holder then
  return 0
end
return redis.call("DEL", LOCK)
