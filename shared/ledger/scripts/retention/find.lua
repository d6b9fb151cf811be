-- Finds which of these accounts have something to clear, or addresses to replace.
--
-- KEY retention  relay:retention
-- ARG accounts  json  list of the prefixes of the accounts' keys
-- ARG kept  json  what is not kept for ever -> milliseconds
-- INCLUDE clock retention
--
-- Returns a list of {place in the list of accounts, what, state}. What is "clear" for sign-ups that
-- are over, "forget" for evidence (state "cleared"), "replace" for addresses.

local over = {}
for name, ms in pairs(kept) do
  over[name] = over_before(name, ms, now)
end

-- Whether the walk over the addresses has not come to all that are over.
local function any_address_left(each, state)
  local done = redis.call("HGET", each .. "addresses-replaced", state)
  local from = done and "(" .. done or "-inf"
  local last = text(over.addresses)
  return redis.call("ZRANGE", each .. state, from, last, "BYSCORE", "LIMIT", 0, 1)[1]
end

local found = {}
for place, each in ipairs(accounts) do
  for _, state in ipairs({ "delivered", "discarded", "quarantined", "dead", "cleared" }) do
    local oldest = tonumber(redis.call("ZRANGE", each .. state, 0, 0, "WITHSCORES")[2])
    local is_evidence = state == "cleared"
    if oldest and oldest <= (over[is_evidence and "consent" or state] or 0) then
      found[#found + 1] = { place, is_evidence and "forget" or "clear", state }
    end
    if oldest and oldest <= (over.addresses or 0) and any_address_left(each, state) then
      found[#found + 1] = { place, "replace", state }
    end
  end
end
return found
