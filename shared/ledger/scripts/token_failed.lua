-- Ends a call that brought nothing, and pauses further ones, longer each time.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> name of the call; ARGV[2] -> version of the tokens that it used, or meant to;
-- ARGV[3] -> why it failed
--
-- Returns 1, or 0 when other tokens are stored by now, which the failure does not concern.
--@include _clock
local A = KEYS[1]
--@include _token
redis.call("ZREM", CALLS, ARGV[1])
if stored("version") ~= ARGV[2] then
  return 0
end
pause()
redis.call("HSET", TOKENS, "failure", ARGV[3])
return 1
