-- Replaces a sealed value with the same one, sealed with another key. Its time to live stays.
--
-- KEY place  a string, or a hash
-- ARG field  text?  of the hash; none where it is a string
-- ARG sealed  text  the value as it is now
-- ARG anew  text  the value, sealed anew
--
-- Returns 1, or 0 when another value is stored by now, or none.

if not field then
  if redis.call("GET", place) ~= sealed then
    return 0
  end
  redis.call("SET", place, anew, "KEEPTTL")
  return 1
end
if redis.call("HGET", place, field) ~= sealed then
  return 0
end
redis.call("HSET", place, field, anew)
return 1
