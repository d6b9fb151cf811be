-- Delivering a quarantined sign-up anyway, by hand or by a job.
--
-- NEEDS account
-- INCLUDE clock account busy record operator_events holds lines quarantine

-- Returns the sign-up's place in its person's line: where it was received, but behind a head that
-- has been claimed.
local function place_in_line(record, head, head_place)
  local place = math.floor(tonumber(record.received_at) * 1000)
  if not head or tonumber(head_place) < place then
    return place
  end
  local untouched = load_record(head).state == "queued"
  return untouched and math.min(place, head_place - 1) or head_place + 0.5
end

-- Makes the quarantined sign-up due at `when` (a text), below all fresh sign-ups. Its history gets
-- the `event`. This saves the record.
local function deliver_anyway(id, record, when, event)
  mend_line(record.person)
  local head, head_place = head_of_line(record.person)
  local place = place_in_line(record, head, head_place)

  leave_quarantine(id, record)
  record.reason = nil
  record.state, record.queue = "queued", "replay"
  record.held_mark, record.requeued_at = held_mark(), now
  remember_event(record, event)
  save_record(id, record)
  note_unsettled(id, record)
  redis.call("ZADD", of_person(record.person), string.format("%.1f", place), id)
  if head_of_line(record.person) == id then
    if head then
      local head_record = load_record(head)
      redis.call("ZREM", due_set(head_record.queue), head)
      note_unsettled(head, head_record)
    end
    redis.call("ZADD", due_set("replay"), when, id)
  end
  count("due", 1)
  note_busy(account)
end
