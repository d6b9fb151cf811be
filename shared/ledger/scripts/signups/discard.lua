-- Discards a dead letter or a quarantined sign-up, as an operator decided. The record of one that
-- nobody can read stays as it is, until it is cleared.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG event  json  who discarded it and why, for the history
-- INCLUDE clock account record settled lines discarding
--
-- Returns 1, or 0 when it is neither.

local unreadable = is_unreadable_dead_letter(id)
local record = not unreadable and load_record(id) or nil
if record and discard(id, record, event) then
  save_record(id, record)
  return 1
elseif not unreadable then
  return 0
end
leave_unreadable_dead_letters(id)
join_settled("discarded", id, text(now), text(now)) -- nobody knows when it was received
count("discarded", 1)
return 1
