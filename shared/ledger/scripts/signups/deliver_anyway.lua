-- Makes a quarantined sign-up due, as an operator decided. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG edits  number  how often it had been edited when it was checked
-- ARG event  json  who delivered it, for the history
-- INCLUDE clock account busy record operator_events holds lines quarantine
--
-- Returns 1, or 0 when it is not quarantined (any more) or somebody else changed it in between.

local record = load_record(id)
if not record or record.state ~= "quarantined" or (record.edits or 0) ~= edits then
  return 0
end

-- Returns the sign-up's place in its person's line: where it was received, but behind a head that
-- has been claimed.
local function place_in_line(head, head_place)
  local place = math.floor(tonumber(record.received_at) * 1000)
  if not head or tonumber(head_place) < place then
    return place
  end
  local untouched = load_record(head).state == "queued"
  return untouched and math.min(place, head_place - 1) or head_place + 0.5
end

mend_line(record.person)
local head, head_place = head_of_line(record.person)
local place = place_in_line(head, head_place)

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
  redis.call("ZADD", due_set("replay"), moment, id)
end
count("due", 1)
note_busy(account)
return 1
