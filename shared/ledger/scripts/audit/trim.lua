-- Removes the entries of the audit trail whose time is over.
--
-- KEY trail  relay:audit
-- ARG kept  milliseconds  how long an entry is kept
-- INCLUDE clock
--
-- Returns how many were removed.

return redis.call("ZREMRANGEBYSCORE", trail, "-inf", "(" .. text(now - kept))
