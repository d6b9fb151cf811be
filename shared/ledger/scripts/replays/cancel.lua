-- Cancels what waits in a replay: it stays dead. What is due already flows on. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG job  text  id of the replay
-- ARG by  text  who cancels it
-- INCLUDE clock stored replays
--
-- Returns how many of its sign-ups stay dead, or -1 when the account has no such replay.

if redis.call("EXISTS", replay(job)) == 0 then
  return -1
end
local waiting = redis.call("ZCARD", replay_waiting(job))
if waiting > 0 then
  add_to(replay(job), "cancelled", waiting)
  redis.call("HSET", replay(job), "cancelled_at", text(now), "cancelled_by", by)
  redis.call("UNLINK", replay_waiting(job))
  leave_replaying_if_fed(job)
end
return tonumber(redis.call("HGET", replay(job), "cancelled"))
