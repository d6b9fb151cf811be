-- Ends a call that brought nothing, and pauses further ones, longer each time.
--
-- KEY account  prefix of the account's keys
-- ARG call  text  name of the call
-- ARG version  text  of the tokens that it used, or meant to
-- ARG cause  text  why it failed
-- INCLUDE tokens
--
-- Returns 1, or 0 when other tokens are stored by now, which the failure does not concern.

redis.call("ZREM", CALLS, call)
if stored("version") ~= version then
  return 0
end
pause()
redis.call("HSET", TOKENS, "failure", cause)
return 1
