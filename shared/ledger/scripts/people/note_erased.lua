-- Notes that a person was erased, so that what any web host's disk still has of them is dropped.
--
-- KEY erased  relay:erased
-- ARG person  text  fingerprint of the person
-- LIMIT ERASED_KEPT  milliseconds
-- INCLUDE clock
--
-- Returns 1.

redis.call("ZREMRANGEBYSCORE", erased, "-inf", text(now - ERASED_KEPT))
redis.call("ZADD", erased, text(now), person)
return 1
