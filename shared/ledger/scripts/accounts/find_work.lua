-- Tells what there is to do for a busy account. One that is idle by now is no longer noted as busy.
--
-- KEY account  prefix of the account's keys
-- INCLUDE busy holds lines
--
-- Returns {1 when a lane would find something due now, 1 when a job sends, list of the jobs
-- that have an index to go through}; else 0.

if not is_busy(account) then
  redis.call("SREM", BUSY, account)
  return { 0, 0, {} }
end
local due = not forbidding_hold() and anything_due()
local stepping = redis.call("ZRANGE", account .. "stepping", 0, -1)
return { due and 1 or 0, redis.call("EXISTS", account .. "replaying"), stepping }
