-- What a job does with each of its sign-ups.
--
-- NEEDS account
-- INCLUDE jobs discarding

-- Does it; the caller saves the record. `event` is for its history, `undone` the job whose
-- discarding is undone. Returns whether there was something to do.
local function change(job, action, event, undone, id, record)
  if waits_as(action) then
    return join_job(job, id, record, waits_as(action))
  elseif action == "discard" then
    local done = discard(id, record, event)
    record.replay = done and job or record.replay
    return done
  elseif record.replay ~= undone or not undo_discard(id, record, event) then
    return false
  end
  record.replay = nil
  return true
end
