-- Retrying a dead letter, by hand or by a job.
--
-- NEEDS account
-- INCLUDE clock account busy holds lines dead_letters operator_events

-- Makes a dead letter due at `when` (a text), below all fresh sign-ups, at the end of its person's
-- line. Its attempts begin anew; its history stays, and gets the `event`. The caller saves the
-- record.
local function requeue(id, record, when, event)
  leave_dead_letters(id, record)
  remember_event(record, event)
  record.reason, record.error_key, record.message, record.settled_at = nil, nil, nil, nil
  record.attempts, record.lost = nil, nil
  record.state, record.queue = "queued", "replay"
  record.held_mark, record.requeued_at = held_mark(), now
  note_unsettled(id, record)
  join_line(id, record, when)
  count("due", 1)
  note_busy(account)
end
