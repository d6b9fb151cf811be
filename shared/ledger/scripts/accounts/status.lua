-- Reads the figures of one account, all at the same moment.
--
-- KEY account  prefix of the account's keys
-- INCLUDE clock holds dead_letters
--
-- Returns {flat list of the totals, age of the oldest due sign-up in ms or -1, list of {reason,
-- hold (JSON)}, flat list of each reason of death and how many dead letters of it are kept}.

local holds = {}
each_hold(function(_, reason, hold)
  holds[#holds + 1] = { reason, cjson.encode(hold) }
end)
-- A fresh sign-up that nobody has claimed is in due:fresh alone, scored by when it was received.
local function oldest_due()
  local oldest = nil
  for _, name in ipairs({ "unsettled", "due:fresh" }) do
    local received = tonumber(redis.call("ZRANGE", account .. name, 0, 0, "WITHSCORES")[2])
    oldest = received and math.min(received, oldest or received) or oldest
  end
  return oldest
end

local oldest = oldest_due()
return {
  redis.call("HGETALL", account .. "totals"),
  oldest and math.max(0, math.floor(now - oldest)) or -1,
  holds,
  kept_by_reason(),
}
