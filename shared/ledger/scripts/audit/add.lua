-- Adds an entry to the audit trail. Safe to repeat: each entry is unique.
--
-- KEY trail  relay:audit
-- ARG entry  text  the entry as JSON, without its time
-- INCLUDE clock
--
-- Returns 1.

redis.call("ZADD", trail, "NX", moment, entry)
return 1
