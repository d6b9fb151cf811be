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

-- Whether the sorted set has something up to `last`, and after `done` if that is given.
local function anything(key, last, done)
  local from = done and "(" .. done or "-inf"
  return last and redis.call("ZRANGE", key, from, text(last), "BYSCORE", "LIMIT", 0, 1)[1]
end

local STATES = { "delivered", "discarded", "quarantined", "dead", "cleared" }
local found = {}
for place, each in ipairs(accounts) do
  local done = over.addresses
    and redis.call("HMGET", each .. "addresses-replaced", unpack(STATES))
  for i, state in ipairs(STATES) do
    local is_evidence = state == "cleared"
    if anything(each .. state, over[is_evidence and "consent" or state]) then
      found[#found + 1] = { place, is_evidence and "forget" or "clear", state }
    end
    if anything(each .. state, over.addresses, done and done[i]) then
      found[#found + 1] = { place, "replace", state }
    end
  end
end
return found
