-- Corrects the contact of a dead letter. Its history keeps what it was before.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG before  text  the contact as the operator read it, as JSON
-- ARG contact  text  the corrected one, as JSON
-- ARG person  text  fingerprint of the person
-- ARG change  text  what changed, as JSON, for the history
-- INCLUDE account
--
-- Returns 1, or 0 when it is no dead letter or somebody else changed it in between.

local stored = redis.call("HMGET", signup(id), "state", "contact", "person")
if stored[1] ~= "dead" or stored[2] ~= before then
  return 0
end

redis.call("SREM", account .. "email:" .. stored[3], id)
redis.call("SADD", account .. "email:" .. person, id)
redis.call("HSET", signup(id), "contact", contact, "person", person)
redis.call("HDEL", signup(id), "replay") -- a replay that it waits in passes it over
redis.call("RPUSH", account .. "attempts:" .. id, change)
return 1
