-- Notes that a process is alive, and forgets those that have long been silent.
--
-- KEY seen  relay:workers or relay:beats
-- ARG name  text  of the process
-- LIMIT PROCESS_FORGOTTEN_AFTER  milliseconds
-- INCLUDE clock
--
-- Returns 1.

redis.call("ZADD", seen, text(now), name)
redis.call("ZREMRANGEBYSCORE", seen, "-inf", text(now - PROCESS_FORGOTTEN_AFTER))
return 1
