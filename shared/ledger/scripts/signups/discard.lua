-- Discards a dead letter or a quarantined sign-up, as an operator decided.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- INCLUDE clock account
--
-- Returns 1, or 0 when it is neither.

local stored = redis.call("HMGET", signup(id), "state", "reason")
local state = stored[1]
if state ~= "dead" and state ~= "quarantined" then
  return 0
end

redis.call("ZREM", account .. state, id)
if state == "dead" then
  redis.call("ZREM", account .. "dead:" .. stored[2], id)
end
redis.call("HSET", signup(id), "state", "discarded", "settled_at", text(now))
redis.call("ZADD", account .. "discarded", text(now), id)
count(state, -1)
count("discarded", 1)
return 1
