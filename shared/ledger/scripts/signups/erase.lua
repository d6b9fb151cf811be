-- Erases a sign-up, whatever its state. One that a worker is sending is erased when that is settled.
-- Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG person  text  whose sign-up it is
-- INCLUDE clock record lines erase
--
-- Returns "erased", "sending", or "gone" when there is none (any more).

local record = not is_unreadable_dead_letter(id) and load_record(id) or nil
if not record then
  return erase_unreadable(id, person) and "erased" or "gone"
end

local lease_until = record.state == "delivering" and redis.call("ZSCORE", due_set(record.queue), id)
if lease_until and tonumber(lease_until) > now then
  record.erase = 1
  save_record(id, record)
  return "sending"
end
erase(id, record)
return "erased"
