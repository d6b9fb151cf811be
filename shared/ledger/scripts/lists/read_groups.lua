-- Reads what the account's dead letters have in common, all at the same moment.
--
-- KEY account  prefix of the account's keys
-- INCLUDE failure_groups
--
-- Returns {list of {id, the group as JSON, how many}, {how many nobody can read, when the first and
-- the last of them was found or ""}}.

local found, stored = {}, redis.call("HGETALL", GROUPS)
for i = 1, #stored, 2 do
  local count = redis.call("ZCARD", group_members(stored[i]))
  found[#found + 1] = { stored[i], stored[i + 1], count }
end
local unreadable = account .. "dead:unreadable"
local first = redis.call("ZRANGE", unreadable, 0, 0, "WITHSCORES")
local last = redis.call("ZRANGE", unreadable, -1, -1, "WITHSCORES")
return { found, { redis.call("ZCARD", unreadable), first[2] or "", last[2] or "" } }
