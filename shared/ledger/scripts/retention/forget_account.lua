-- Forgets a removed account once no record of it is left.
--
-- KEY account  prefix of the account's keys
-- KEY removed  relay:removed-accounts
-- KEY accounts  relay:accounts
-- ARG name  text  of the account
--
-- Returns 1, or 0 while something is left.

local left = redis.call(
  "EXISTS", account .. "delivered", account .. "discarded", account .. "quarantined",
  account .. "dead", account .. "cleared", account .. "unsettled",
  account .. "received:delivered"
)
if left > 0 then
  return 0
end
if redis.call("HEXISTS", accounts, name) == 0 then
  redis.call("DEL", account .. "consent-texts", account .. "addresses-replaced")
end
redis.call("SREM", removed, name)
return 1
