-- Does a step of a job: has dead letters wait in the replay, discards sign-ups, or undoes that. If
-- several workers have read the same step, the first one does it.
--
-- KEY account  prefix of the account's keys
-- ARG job  text  its id
-- ARG cursor  text  where the step begins
-- ARG following  text  where the one after it begins, or "" if this is the last one
-- ARG ids  json  list of those of the step that match
-- INCLUDE stored record replays discarding
--
-- Returns how many were changed, or -1 when the step was done before, or the job is cancelled.

local stored = redis.call(
  "HMGET", replay(job), "cursor", "action", "event", "index", "up_to", "undone"
)
if stored[1] ~= cursor then
  return -1
end
local action, event, undone = stored[2], decoded(stored[3]) or {}, stored[6]
local index, up_to = account .. stored[4], tonumber(stored[5])

-- Each changes a record, and returns whether it did.
local CHANGE = {
  retry = function(id, record)
    return join_replay(job, id, record)
  end,
  discard = function(id, record)
    if not discard(id, record, event) then
      return false
    end
    record.replay = job
    return true
  end,
  undo = function(id, record)
    if record.replay ~= undone or not undo_discard(id, record, event) then
      return false
    end
    record.replay = nil
    return true
  end,
}

-- One that has left the index, or has come back into it since the job began, was settled by
-- somebody else.
local function is_as_it_was(id)
  local score = redis.call("ZSCORE", index, id)
  return score and tonumber(score) <= up_to
end

local changed = 0
for _, id in ipairs(ids) do
  local record = is_as_it_was(id) and load_record(id)
  if record and CHANGE[action](id, record) then
    save_record(id, record)
    changed = changed + 1
  end
end
add_to(replay(job), "total", changed)
if following == "" then
  end_steps(job)
else
  redis.call("HSET", replay(job), "cursor", following)
end
return changed
