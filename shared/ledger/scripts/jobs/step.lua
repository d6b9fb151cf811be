-- Does a step of a job: has sign-ups wait for their turn, discards them, or undoes that. If several
-- workers have read the same step, the first one does it.
--
-- KEY account  prefix of the account's keys
-- ARG job  text  its id
-- ARG cursor  text  where the step begins
-- ARG following  text  where the one after it begins, or "" if this is the last one
-- ARG ids  json  list of those of the step that match
-- ARG refused  number  how many others match, but cannot be sent as they are
-- INCLUDE stored record jobs job_changes
--
-- Returns how many were changed, or -1 when the step was done before, or the job is cancelled.

local stored = redis.call(
  "HMGET", job_key(job), "cursor", "action", "event", "index", "up_to", "undone"
)
if stored[1] ~= cursor then
  return -1
end
local action, event, undone = stored[2], decoded(stored[3]) or {}, stored[6]
local index, up_to = account .. stored[4], tonumber(stored[5])

-- One that has left the index, or has come back into it since the job began, was settled by
-- somebody else.
local function is_as_it_was(id, record)
  local score = redis.call("ZSCORE", index, id)
  return score and tonumber(record.settled_at or score) <= up_to
end

local changed = 0
for _, id in ipairs(ids) do
  local record = load_record(id)
  if record and is_as_it_was(id, record) then
    if is_without_lists(job, action, record) then
      refused = refused + 1
    elseif change(job, action, event, undone, id, record) then
      save_record(id, record)
      changed = changed + 1
    end
  end
end
add_to(job_key(job), "total", changed)
add_to(job_key(job), "refused", refused)
if following == "" then
  end_steps(job)
else
  redis.call("HSET", job_key(job), "cursor", following)
end
return changed
