-- Corrects the contact of a dead letter or a quarantined sign-up. Its history keeps which fields.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG before  text  the contact as the operator read it, as JSON
-- ARG contact  text  the corrected one, as JSON
-- ARG person  text  fingerprint of the person
-- ARG change  text  what changed, as JSON, for the history
-- INCLUDE account
--
-- Returns 1, or 0 when it is neither or somebody else changed it in between.

local stored = redis.call("HMGET", signup(id), "state", "contact", "person")
local editable = stored[1] == "dead" or stored[1] == "quarantined"
if not editable or stored[2] ~= before then
  return 0
end

redis.call("SREM", account .. "email:" .. stored[3], id)
redis.call("SADD", account .. "email:" .. person, id)
redis.call("HSET", signup(id), "contact", contact, "person", person)
redis.call("HDEL", signup(id), "replay") -- a replay that it waits in passes it over
redis.call("RPUSH", account .. "attempts:" .. id, change)
return 1
