-- Does a job's work with some sign-ups, that somebody has chosen one by one: puts them into a
-- replay, or discards them. The job begins with the first of them. Those that wait in another replay
-- stay there. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG job  text  its id
-- ARG action  text  "retry", "retry_form_lists", "retry_edited", "deliver" or "discard"
-- ARG by  text  who wants it
-- ARG chosen  text  what was chosen, as JSON
-- ARG event  text  who does this and why, as JSON, for the history of each
-- ARG ids  json  list of the sign-ups' ids
-- ARG edit  text?  what a replay with an edit changes, as JSON
-- ARG lists  json?  to which lists it sends: ids by form
-- ARG refused  number  how many others were chosen that cannot be sent
-- INCLUDE clock stored busy record replays job_changes
--
-- Returns how many were changed.

if redis.call("HEXISTS", replay(job), "cancelled_at") == 1 then
  return 0
end
local changed = 0
for _, id in ipairs(ids) do
  local record = load_record(id)
  if record and change(job, action, decoded(event) or {}, nil, id, record) then
    save_record(id, record)
    changed = changed + 1
  end
end
if changed == 0 then
  return 0
end

local details = { "action", action, "event", event, "refused", refused }
add_detail(details, "change", edit)
begin_job(job, by, chosen, details)
note_lists(job, lists)
add_to(replay(job), "total", changed)
if waits_as(action) then
  redis.call("HDEL", replay(job), "ended_at") -- those before may all be done already
  redis.call("PERSIST", replay(job))
  redis.call("ZADD", REPLAYING, "NX", text(now), job)
  note_busy(account)
else
  leave_replaying_if_fed(job)
end
return changed
