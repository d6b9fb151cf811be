-- Makes the first operator, if there is none.
--
-- KEYS[1] -> relay:operators
-- ARGV[1] -> name; ARGV[2] -> record (JSON)
--
-- Returns 1, or 0 when there are operators.
if redis.call("EXISTS", KEYS[1]) == 1 then
  return 0
end
return redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
