-- Retries a dead letter at once. A replay that it waits in passes it over.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- INCLUDE clock account requeue
--
-- Returns 1, or 0 when it is no dead letter (any more).

if redis.call("HGET", signup(id), "state") ~= "dead" then
  return 0
end

requeue(id, moment)
redis.call("HDEL", signup(id), "replay")
return 1
