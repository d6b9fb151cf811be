-- Begins a job that goes through an index of the account: all that is in it at this moment and
-- matches a filter. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG job  text  its id
-- ARG action  text  "retry", "retry_form_lists", "retry_edited", "deliver", "discard" or "undo"
-- ARG by  text  who wants it
-- ARG chosen  text  what was chosen, as JSON, for people
-- ARG filter  text  what must match, as JSON
-- ARG index  text  the sorted set, without the account's prefix
-- ARG since  time?  where the job begins in it; none: at its beginning
-- ARG event  text  who does this and why, as JSON, for the history of each
-- ARG undone  text?  the job whose discarding this one undoes
-- ARG edit  text?  what a job with an edit changes, as JSON
-- ARG lists  json?  to which lists it sends: ids by form
-- INCLUDE clock busy jobs
--
-- Returns how many entries it goes through.

local first, up_to = since and text(since) or "-inf", text(now)
if undone then
  local stored = redis.call("HMGET", job_key(undone), "started_at", "ended_at")
  first, up_to = stored[1] or up_to, stored[2] or up_to
end
local count = redis.call("ZCOUNT", account .. index, first, up_to)
if count == 0 or redis.call("ZSCORE", JOBS, job) then
  return count
end

local details = {
  "action", action, "filter", filter, "index", index, "event", event,
  "cursor", first, "up_to", up_to,
}
add_detail(details, "undone", undone)
add_detail(details, "change", edit)
begin_job(job, by, chosen, details)
note_lists(job, lists)
redis.call("ZADD", STEPPING, text(now), job)
if waits_as(action) then
  redis.call("ZADD", WAITING_JOBS, text(now), job)
end
note_busy(account)
return count
