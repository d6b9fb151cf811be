-- Tells what of these accounts is kept, and what will be cleared when.
--
-- KEY retention  relay:retention
-- ARG accounts  json  list of the prefixes of the accounts' keys
-- ARG kept  json  what is not kept for ever -> milliseconds
-- INCLUDE clock retention
--
-- Returns {relay:retention as a flat list, list of {what, how many are kept, time (ms) of the oldest
-- or "", how many are over within a day}}. What is a state, or "consent".

-- Returns the sorted sets with what is kept of the state, and from where on each is to be counted. Of
-- delivered sign-ups, most are sorted by when they were received alone (lib/delivered.lua).
local function parts(each, state)
  if state ~= "delivered" then
    return { [each .. state] = "-inf" }
  end
  local sorted = redis.call("GET", each .. "delivered-sorted")
  return {
    [each .. state] = "-inf",
    [each .. "received:delivered"] = sorted and "(" .. sorted or "-inf",
  }
end

local function first_from(key, from)
  return tonumber(redis.call(
    "ZRANGE", key, from, "+inf", "BYSCORE", "LIMIT", 0, 1, "WITHSCORES"
  )[2])
end

local found = {}
for _, name in ipairs({ "delivered", "discarded", "quarantined", "dead", "consent" }) do
  local state = name == "consent" and "cleared" or name
  local tomorrow = kept[name] and over_before(name, kept[name], now + DAY)
  local count, oldest, soon = 0, nil, 0
  for _, each in ipairs(accounts) do
    local kept_here = redis.call("ZCARD", each .. state)
    for key, from in pairs(parts(each, state)) do
      kept_here = math.max(kept_here, redis.call("ZCARD", key))
      local first = first_from(key, from)
      oldest = first and math.min(first, oldest or first) or oldest
      soon = soon + (tomorrow and redis.call("ZCOUNT", key, from, text(tomorrow)) or 0)
    end
    count = count + kept_here
  end
  found[#found + 1] = { name, count, oldest and text(oldest) or "", soon }
end
return { redis.call("HGETALL", retention), found }
