-- Removes an account of which nothing is left to deliver or to decide. Its records are left to
-- whoever looks for those of removed accounts. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- KEY accounts  relay:accounts
-- KEY removed  relay:removed-accounts
-- KEY alerts  relay:alerts:dead-letters
-- ARG name  text  of the account
-- INCLUDE account
--
-- Returns 1, or 0 when something of it is due, dead or in quarantine: then nothing was changed.

-- The counts also have dead letters and quarantined sign-ups that retention has cleared.
local due = tonumber(redis.call("HGET", account .. "totals", "due") or 0)
if due + redis.call("EXISTS", account .. "dead", account .. "quarantined") > 0 then
  return 0
end
redis.call("HDEL", accounts, name)
redis.call("SADD", removed, name)
redis.call("HDEL", alerts, "dead:" .. name)
redis.call("SREM", api_key .. "accounts", account)
redis.call("ZREM", api_key .. "turns", account)
redis.call("HDEL", api_key .. "turns:promised", account)
return 1
