--@include _base
-- Corrects the contact of a dead letter. What it was before is kept in its history.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> id, ARGV[2] -> contact as it was read (JSON), ARGV[3] -> contact (JSON),
-- ARGV[4] -> person's fingerprint, ARGV[5] -> what changed, for the history (JSON)
--
-- Returns 1, or 0 when it is no dead letter or somebody else changed it in between.
local id, person = ARGV[1], ARGV[4]
local stored = redis.call("HMGET", signup(id), "state", "contact", "person")
if stored[1] ~= "dead" or stored[2] ~= ARGV[2] then
  return 0
end

redis.call("SREM", A .. "email:" .. stored[3], id)
redis.call("SADD", A .. "email:" .. person, id)
redis.call("HSET", signup(id), "contact", ARGV[3], "person", person)
redis.call("HDEL", signup(id), "replay") -- a replay that it waits in passes it over
redis.call("RPUSH", A .. "attempts:" .. id, ARGV[5])
return 1
