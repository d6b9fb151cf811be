-- Begins a hold on an account, or continues the active one.
--
-- KEY account  prefix of the account's keys
-- ARG reason  text  of the hold
-- ARG first_probe  milliseconds?  until the first probe; without it the hold is not probed
-- ARG longest_probe  milliseconds  the longest time between two probes
-- ARG by  text  who wants it
-- ARG note  text  why
-- INCLUDE account holds
--
-- Returns 1 when the hold is new, 0 when it was active already.

redis.call("SADD", api_key .. "accounts", account)
drop_ended_holds() -- a hold whose time is over does not continue
return begin_hold(account, reason, { by = by, note = note }, first_probe, longest_probe)
