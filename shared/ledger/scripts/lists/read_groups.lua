-- Reads what these accounts' dead letters have in common, all at the same moment.
--
-- ARG accounts  json  list of the prefixes of the accounts' keys
--
-- Returns for each account {list of {id of a group, the group as JSON, how many}, {how many nobody
-- can read, when the first and the last of them was found or ""}}.

local function groups(of)
  local found, stored = {}, redis.call("HGETALL", of .. "dead-groups")
  for i = 1, #stored, 2 do
    local count = redis.call("ZCARD", of .. "dead-group:" .. stored[i])
    found[#found + 1] = { stored[i], stored[i + 1], count }
  end
  return found
end

local function unreadable(of)
  local set = of .. "dead:unreadable"
  local first = redis.call("ZRANGE", set, 0, 0, "WITHSCORES")
  local last = redis.call("ZRANGE", set, -1, -1, "WITHSCORES")
  return { redis.call("ZCARD", set), first[2] or "", last[2] or "" }
end

local found = {}
for place, each in ipairs(accounts) do
  found[place] = { groups(each), unreadable(each) }
end
return found
