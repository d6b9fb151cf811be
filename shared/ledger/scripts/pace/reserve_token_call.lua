-- Reserves the next slot at the token endpoint, for all accounts and API keys. Counts the call in
-- its API key's quota, which never refuses it.
--
-- KEY api_key  prefix of the API key's keys
-- KEY token_pace  relay:token-pace
-- LIMIT TOKEN_SPACING  milliseconds
-- LIMIT LONGEST_TOKEN_WAIT  milliseconds
-- INCLUDE clock pace
--
-- Returns the ms until the slot, or -1 when that is too long; nothing is reserved then.

local slot = math.max(now, tonumber(redis.call("GET", token_pace) or 0))
-- A slot further away than any reservation reaches means that Redis' clock went back.
if slot > now + LONGEST_TOKEN_WAIT + TOKEN_SPACING then
  slot = now
end
if slot > now + LONGEST_TOKEN_WAIT then
  return -1
end
local life = LONGEST_TOKEN_WAIT + 2 * TOKEN_SPACING
redis.call("SET", token_pace, text(slot + TOKEN_SPACING), "PX", life)
count_call()
return slot - now
