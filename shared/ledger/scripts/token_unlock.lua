-- Frees the token lock, if it is still the caller's.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> holder
--
-- Returns 1, or 0 when it was not.
--@include _clock
local A = KEYS[1]
--@include _token
if redis.call("GET", LOCK) ~= ARGV[1] then
  return 0
end
return redis.call("DEL", LOCK)
