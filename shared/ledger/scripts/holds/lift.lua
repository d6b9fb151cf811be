-- Ends one hold of the account, because its cause is gone.
--
-- KEY account  prefix of the account's keys
-- ARG reason  text  of the hold
-- INCLUDE holds
--
-- Returns 1 when it was active, else 0.

local active = redis.call("HEXISTS", account .. "holds", reason)
end_hold(account, reason)
return active
