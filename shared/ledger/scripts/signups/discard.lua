-- Discards a dead letter or a quarantined sign-up, as an operator decided.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- INCLUDE clock account quarantine
--
-- Returns 1, or 0 when it is neither.

local stored = redis.call("HMGET", signup(id), "state", "reason")
if stored[1] == "dead" then
  redis.call("ZREM", account .. "dead", id)
  redis.call("ZREM", account .. "dead:" .. stored[2], id)
  count("dead", -1)
elseif stored[1] == "quarantined" then
  leave_quarantine(id)
else
  return 0
end

redis.call("HSET", signup(id), "state", "discarded", "settled_at", text(now))
redis.call("ZADD", account .. "discarded", text(now), id)
count("discarded", 1)
return 1
