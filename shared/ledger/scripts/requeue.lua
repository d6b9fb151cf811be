--@include _base _holds _lines _requeue
-- Retries a dead letter at once. A replay that it waits in passes it over.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> id
--
-- Returns 1, or 0 when it is no dead letter (any more).
local id = ARGV[1]
if redis.call("HGET", signup(id), "state") ~= "dead" then
  return 0
end

requeue(id, moment)
redis.call("HDEL", signup(id), "replay")
return 1
