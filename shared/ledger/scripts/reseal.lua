-- Replaces a sealed value with the same one, sealed with another key; it lives no longer for that.
--
-- KEYS[1] -> a string, or a hash
-- ARGV[1] -> the field of the hash; "" where it is a string
-- ARGV[2] -> the value as it is now, ARGV[3] -> sealed anew
--
-- Returns 1, or 0 when another value is stored by now, or none.
if ARGV[1] == "" then
  if redis.call("GET", KEYS[1]) ~= ARGV[2] then
    return 0
  end
  redis.call("SET", KEYS[1], ARGV[3], "KEEPTTL")
  return 1
end
if redis.call("HGET", KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[3])
return 1
