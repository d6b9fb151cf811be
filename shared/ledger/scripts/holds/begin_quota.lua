-- Begins the hold `quota` on the account's API key until 00:00 UTC, or continues the active one.
--
-- KEY account  prefix of the account's keys
-- ARG note  text  why
-- ARG jitter  number  in [0, 1)
-- LIMIT QUOTA_PROBE  milliseconds
-- LIMIT NEAR_MIDNIGHT  milliseconds
-- LIMIT NEAR_MIDNIGHT_PROBE  milliseconds
-- INCLUDE clock account holds
--
-- Returns 1 when the hold is new, 0 when it was active already.

redis.call("SADD", api_key .. "accounts", account)
drop_ended_holds() -- a hold whose time is over does not continue
local first_probe = QUOTA_PROBE
local new = redis.call("HEXISTS", api_key .. "holds", "quota") == 0
-- Near midnight the API's clock may have its day end a little before or after ours.
if new and math.min(now % DAY, DAY - now % DAY) < NEAR_MIDNIGHT then
  first_probe = NEAR_MIDNIGHT_PROBE
end
local hold = { ["until"] = next_midnight(jitter), by = "answer", note = note }
return begin_hold(api_key, "quota", hold, first_probe, QUOTA_PROBE)
