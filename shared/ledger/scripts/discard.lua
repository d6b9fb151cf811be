--@include _base
-- Discards a dead letter or a quarantined sign-up: an operator decided against it.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> id
--
-- Returns 1, or 0 when it is neither.
local id = ARGV[1]
local stored = redis.call("HMGET", signup(id), "state", "reason")
local state = stored[1]
if state ~= "dead" and state ~= "quarantined" then
  return 0
end

redis.call("ZREM", A .. state, id)
if state == "dead" then
  redis.call("ZREM", A .. "dead:" .. stored[2], id)
end
redis.call("HSET", signup(id), "state", "discarded", "settled_at", text(now))
redis.call("ZADD", A .. "discarded", text(now), id)
count(state, -1)
count("discarded", 1)
return 1
