-- Makes a quarantined sign-up due at once, as an operator decided. A job in which it waits goes on
-- without it. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG edits  number  how often it had been edited when it was checked
-- ARG event  json  who delivered it, for the history
-- INCLUDE clock record jobs deliver_anyway
--
-- Returns 1, or 0 when it is not quarantined (any more) or somebody else changed it in between.

local record = load_record(id)
if not record or record.state ~= "quarantined" or (record.edits or 0) ~= edits then
  return 0
end

stop_waiting(id, record)
record.replay = nil
deliver_anyway(id, record, moment, event)
return 1
