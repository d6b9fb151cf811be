-- Discards a dead letter or a quarantined sign-up, as an operator decided. The record of one that
-- nobody can read stays as it is, until it is cleared.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG event  json  who discarded it and why, for the history
-- INCLUDE clock account record operator_events dead_letters lines quarantine
--
-- Returns 1, or 0 when it is neither.

local record = not is_unreadable_dead_letter(id) and load_record(id) or nil
if record and record.state == "dead" then
  leave_dead_letters(id, record)
elseif record and record.state == "quarantined" then
  leave_quarantine(id, record)
elseif not record and is_unreadable_dead_letter(id) then
  leave_unreadable_dead_letters(id)
  redis.call("ZADD", account .. "discarded", text(now), id)
  count("discarded", 1)
  return 1
else
  return 0
end

record.state, record.settled_at = "discarded", now
redis.call("ZADD", account .. "discarded", text(now), id)
remember_event(record, event)
save_record(id, record)
count("discarded", 1)
return 1
