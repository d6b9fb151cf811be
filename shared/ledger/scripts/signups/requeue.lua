-- Retries a dead letter at once. A job in which it waits goes on without it.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG event  json  who retried it, for the history
-- INCLUDE clock record jobs requeue
--
-- Returns 1, or 0 when it is no dead letter (any more).

local record = load_record(id)
if not record or record.state ~= "dead" then
  return 0
end

stop_waiting(id, record)
requeue(id, record, moment, event)
record.replay = nil
save_record(id, record)
return 1
