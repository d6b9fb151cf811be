-- Undoes the discarding of a sign-up: it is a dead letter or quarantined again, as it was. Safe to
-- repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG event  json  who undid it, for the history
-- INCLUDE record discarding
--
-- Returns 1, or 0 when it is not discarded (any more), or an earlier version discarded it.

local record = load_record(id)
if not record or not undo_discard(id, record, event) then
  return 0
end
save_record(id, record)
return 1
