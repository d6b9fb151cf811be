-- Does a job's work with some sign-ups, that somebody has chosen one by one: has them wait
-- for their turn, or discards them. The job begins with the first of them. Those that wait in
-- another job stay there. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG job  text  its id
-- ARG action  text  "retry", "retry_form_lists", "retry_edited", "deliver" or "discard"
-- ARG by  text  who wants it
-- ARG chosen  text  what was chosen, as JSON
-- ARG event  text  who does this and why, as JSON, for the history of each
-- ARG ids  json  list of the sign-ups' ids
-- ARG edit  text?  what a job with an edit changes, as JSON
-- ARG lists  json?  to which lists it sends: ids by form
-- ARG refused  number  how many others were chosen that cannot be sent
-- INCLUDE clock stored busy record jobs job_changes
--
-- Returns how many were changed.

if redis.call("HEXISTS", job_key(job), "cancelled_at") == 1 then
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
add_to(job_key(job), "total", changed)
if waits_as(action) then
  redis.call("HDEL", job_key(job), "ended_at") -- those before may all be done already
  redis.call("PERSIST", job_key(job))
  redis.call("ZADD", WAITING_JOBS, "NX", text(now), job)
  note_busy(account)
else
  end_job_if_fed(job)
end
return changed
