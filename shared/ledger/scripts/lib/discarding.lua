-- Discarding a dead letter or a quarantined sign-up, as an operator decided, and undoing that until
-- the record is cleared. Both add an event to its history. The caller saves the record.
--
-- NEEDS account
-- INCLUDE clock account operator_events settled dead_letters quarantine jobs

-- Returns whether the sign-up was one that can be discarded.
local function discard(id, record, event)
  if record.state ~= "dead" and record.state ~= "quarantined" then
    return false
  end
  stop_waiting(id, record)
  remember_event(record, event)
  record.state_before = record.state
  record.settled_before = redis.call("ZSCORE", account .. record.state, id) or text(now)
  if record.state == "dead" then
    leave_dead_letters(id, record)
  else
    leave_quarantine(id, record)
  end
  record.state, record.settled_at, record.replay = "discarded", now, nil
  join_settled("discarded", id, record.received_at, text(now))
  count("discarded", 1)
  return true
end

-- Makes a discarded sign-up what it was before, with its reason and since when. Earlier versions
-- did not note that. Returns its state, or nil if it cannot be undone.
local function undo_discard(id, record, event)
  local state, at = record.state_before, record.settled_before
  if record.state ~= "discarded" or not state or not at then
    return nil
  end
  leave_settled("discarded", id)
  uncount("discarded")
  record.state, record.state_before, record.settled_before = state, nil, nil
  if state == "dead" then
    record.settled_at = tonumber(at)
    join_dead_letters(id, record)
    recount("dead", "dead:" .. record.reason)
  else
    record.settled_at = nil
    join_quarantine(id, record, at)
  end
  remember_event(record, event)
  return state
end
