-- Corrects the contact of a dead letter or a quarantined sign-up. Its history keeps which fields.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG edits  number  how often it had been edited when the operator read it
-- ARG sent  text  what is sent from now on, as JSON
-- ARG person  text  fingerprint of the person
-- ARG change  text  what changed, as JSON, for the history
-- INCLUDE record jobs lines
--
-- Returns 1, or 0 when it is neither or somebody else changed it in between.

local record = load_record(id)
local editable = record and (record.state == "dead" or record.state == "quarantined")
if not editable or (record.edits or 0) ~= edits then
  return 0
end

local _, consent, history = sent_consent_history(record)
write_lines(record, sent, consent, history)
change_person(id, record, person)
record.edits = edits + 1
stop_waiting(id, record) -- the job goes on without it
record.replay = nil
stay_out_of_line(id, record)
remember(record, change)
save_record(id, record)
return 1
