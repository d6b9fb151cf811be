-- Counts a try to sign in, unless there were too many.
--
-- KEYS[1] -> relay:sign-in:<digest> of the name, KEYS[2] -> of the address
-- ARGV[1] -> how many are allowed in a window; ARGV[2] -> the window in ms
--
-- Returns 0 when it may be tried, else the ms until it may.
for _, key in ipairs(KEYS) do
  if tonumber(redis.call("GET", key) or 0) >= tonumber(ARGV[1]) then
    return math.max(1, redis.call("PTTL", key))
  end
end
for _, key in ipairs(KEYS) do
  if redis.call("INCR", key) == 1 then
    redis.call("PEXPIRE", key, ARGV[2])
  end
end
return 0
