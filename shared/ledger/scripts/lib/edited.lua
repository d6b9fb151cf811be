-- Correcting many sign-ups alike: what a worker has made of each by the rules of a single edit.
--
-- NEEDS account
-- INCLUDE clock record

-- Gives the sign-up what `edit` says is sent from now on, and adds the event to its history. It is as
-- it was when the edit was made: another edit would have taken it out of the job. The caller saves
-- the record.
local function give_fields(record, edit)
  local _, consent, history = sent_consent_history(record)
  write_lines(record, edit.sent, consent, history)
  record.edits = (record.edits or 0) + 1
  edit.event.at = now
  remember(record, cjson.encode(edit.event))
end
