-- Tells which accounts need a look at their tokens: these are due for a refresh, the last one
-- failed, the account is on hold for want of tokens, or what is noted with them is not what the
-- caller has: the server, or the addresses of Constant Contact.
--
-- ARG accounts  json  list of the prefixes of their keys
-- ARG refresh_after  milliseconds  how old tokens are when they are due
-- ARG instance  text  the caller's installation
-- ARG server  text  id of this server
-- ARG origin  text  the addresses of the API and of its authorization server
-- INCLUDE clock
--
-- Returns a list of the prefixes of these.

local function needs_look(of)
  local stored = redis.call(
    "HMGET", of .. "tokens",
    "access", "received_at", "expires_at", "instance", "server", "revoked", "failures", "failure",
    "origin"
  )
  if not stored[1] then
    return false
  end
  local received_at = tonumber(stored[2] or 0)
  local life = tonumber(stored[3] or 0) - received_at
  local is_ours = (stored[4] or instance) == instance
  return now >= received_at + math.min(refresh_after, life / 2)
    or stored[6] or stored[7] or stored[8]
    or is_ours and stored[5] ~= server
    or stored[9] ~= origin
    or redis.call("HEXISTS", of .. "holds", "reconnect") == 1
end

local found = {}
for _, each in ipairs(accounts) do
  if needs_look(each) then
    found[#found + 1] = each
  end
end
return found
