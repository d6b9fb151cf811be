-- Finds which of these accounts have something to clear, or addresses to replace.
--
-- KEY retention  relay:retention
-- ARG accounts  json  list of the prefixes of the accounts' keys
-- ARG kept  json  what is not kept for ever -> milliseconds
-- INCLUDE clock retention
--
-- Returns a list of {place in the list of accounts, what, state}. What is "clear" for sign-ups that
-- are over, "forget" for evidence (state "cleared"), "replace" for addresses. "sort" comes before all
-- of these: it is for delivered ones that may be over.

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

-- Returns when the first of the delivered sign-ups was received that are yet to be sorted by when
-- they were settled (lib/delivered.lua), if something of it may be over.
local function first_unsorted(each)
  local last = math.max(over.delivered or 0, over.addresses or 0)
  local oldest = tonumber(redis.call("ZRANGE", each .. "received:delivered", 0, 0, "WITHSCORES")[2])
  if not oldest or oldest > last then
    return nil
  end
  local sorted = redis.call("GET", each .. "delivered-sorted")
  return tonumber(redis.call(
    "ZRANGE", each .. "received:delivered", sorted and "(" .. sorted or "-inf", text(last),
    "BYSCORE", "LIMIT", 0, 1, "WITHSCORES"
  )[2])
end

local found = {}
for place, each in ipairs(accounts) do
  local unsorted = first_unsorted(each)
  if unsorted then
    found[#found + 1] = { place, "sort", "delivered" }
  end
  for _, state in ipairs({ "delivered", "discarded", "quarantined", "dead", "cleared" }) do
    local oldest = tonumber(redis.call("ZRANGE", each .. state, 0, 0, "WITHSCORES")[2])
    local is_unsorted = state == "delivered" and unsorted
    if is_unsorted then
      oldest = math.min(unsorted, oldest or unsorted)
    end
    local is_evidence = state == "cleared"
    if oldest and oldest <= (over[is_evidence and "consent" or state] or 0) then
      found[#found + 1] = { place, is_evidence and "forget" or "clear", state }
    end
    if oldest and oldest <= (over.addresses or 0)
      and (is_unsorted and unsorted <= over.addresses or any_address_left(each, state))
    then
      found[#found + 1] = { place, "replace", state }
    end
  end
end
return found
