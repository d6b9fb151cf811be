-- Notes that a process is alive, and what it sends just now. Forgets those that have long been silent.
--
-- KEY seen  relay:workers or relay:beats
-- KEY in_flight?  relay:workers:in-flight; none for beat
-- ARG name  text  of the process
-- ARG sent  text?  as JSON; none if it sends nothing
-- LIMIT PROCESS_FORGOTTEN_AFTER  milliseconds
-- INCLUDE clock
--
-- Returns 1.

redis.call("ZADD", seen, text(now), name)
if sent then
  redis.call("HSET", in_flight, name, sent)
elseif in_flight then
  redis.call("HDEL", in_flight, name)
end
local silent_since = text(now - PROCESS_FORGOTTEN_AFTER)
for _, silent in ipairs(redis.call("ZRANGE", seen, "-inf", silent_since, "BYSCORE")) do
  redis.call("ZREM", seen, silent)
  if in_flight then
    redis.call("HDEL", in_flight, silent)
  end
end
return 1
