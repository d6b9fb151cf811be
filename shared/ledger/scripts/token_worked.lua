-- Marks a version of the tokens as one that the API has accepted, and drops the pair before it.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> version
--
-- Returns 1, or 0 when another version is stored by now.
--@include _clock
local A = KEYS[1]
--@include _token
if stored("version") ~= ARGV[1] then
  return 0
end
redis.call("HDEL", TOKENS, "previous")
redis.call("HSET", TOKENS, "worked", ARGV[1])
return 1
