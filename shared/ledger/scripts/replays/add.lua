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

if redis.call("HEXISTS", replay(job), "cancelled_at") == 1 then
  return 0
end
local added = 0
for _, id in ipairs(ids) do
  local record = load_record(id)
  if record and join_replay(job, id, record) then
    save_record(id, record)
    added = added + 1
  end
end
if added == 0 then
  return 0
end

begin_job(job, by, chosen, {})
add_to(replay(job), "total", added)
redis.call("HDEL", replay(job), "ended_at") -- those before may all be done already
redis.call("PERSIST", replay(job))
redis.call("ZADD", REPLAYING, "NX", text(now), job)
note_busy(account)
return added
