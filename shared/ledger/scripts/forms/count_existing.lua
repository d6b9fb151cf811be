-- Counts a sign-up that format 1 did not count for its form. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- INCLUDE record forms
--
-- Returns 1, or 0 when it is counted already, or gone.

local record = load_record(id)
if not record or not record.uncounted then
  return 0
end

record.uncounted = nil
save_record(id, record)
count_form(record.form, "accepted", 1)
if record.state == "quarantined" then
  count_form(record.form, "quarantined", 1)
  count_form(record.form, "screened", 1)
end
return 1
