-- Tells what of these accounts is kept, and what will be cleared when.
--
-- KEY retention  relay:retention
-- ARG accounts  json  list of the prefixes of the accounts' keys
-- ARG kept  json  what is not kept for ever -> milliseconds
-- INCLUDE clock retention
--
-- Returns {relay:retention as a flat list, list of {what, how many are kept, time (ms) of the oldest
-- or "", how many are over within a day}}. What is a state, or "consent".

local found = {}
for _, name in ipairs({ "delivered", "discarded", "quarantined", "dead", "consent" }) do
  local state = name == "consent" and "cleared" or name
  local tomorrow = kept[name] and over_before(name, kept[name], now + DAY)
  local count, oldest, soon = 0, nil, 0
  for _, each in ipairs(accounts) do
    local key = each .. state
    count = count + redis.call("ZCARD", key)
    local first = tonumber(redis.call("ZRANGE", key, 0, 0, "WITHSCORES")[2])
    oldest = first and math.min(first, oldest or first) or oldest
    soon = soon + (tomorrow and redis.call("ZCOUNT", key, "-inf", text(tomorrow)) or 0)
  end
  found[#found + 1] = { name, count, oldest and text(oldest) or "", soon }
end
return { redis.call("HGETALL", retention), found }
