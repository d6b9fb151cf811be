-- Puts dead letters into a replay, which begins with the first of them. Those that wait in another
-- one stay there. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG job  text  id of the replay
-- ARG by  text  who wants it
-- ARG chosen  text  what was chosen, as JSON
-- ARG ids  json  list of the dead letters' ids
-- INCLUDE clock stored busy record replays
--
-- Returns how many were put into it.

-- Whether the dead letter waits in a replay already, or was sent by this one.
local function taken(id, record)
  local other = record.replay
  return other and (other == job or redis.call("ZSCORE", replay_waiting(other), id))
end

if redis.call("HEXISTS", replay(job), "cancelled_at") == 1 then
  return 0
end
local added = 0
for _, id in ipairs(ids) do
  local record = load_record(id)
  if record and record.state == "dead" and not taken(id, record) then
    record.replay = job
    save_record(id, record)
    redis.call("ZADD", replay_waiting(job), record.received_at, id)
    added = added + 1
  end
end
if added == 0 then
  return 0
end

if redis.call("ZADD", REPLAYS, "NX", text(now), job) == 1 then
  redis.call(
    "HSET", replay(job),
    "by", by, "chosen", chosen, "started_at", text(now),
    "total", 0, "moved", 0, "delivered", 0, "dead", 0, "skipped", 0, "cancelled", 0
  )
  forget_old_replays()
end
add_to(replay(job), "total", added)
redis.call("HDEL", replay(job), "ended_at") -- those before may all be done already
redis.call("PERSIST", replay(job))
redis.call("ZADD", REPLAYING, "NX", text(now), job)
note_busy(account)
return added
