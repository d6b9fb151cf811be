-- Reads the figures of one account, all at the same moment.
--
-- KEY account  prefix of the account's keys
-- INCLUDE clock holds
--
-- Returns {flat list of the totals, age of the oldest due sign-up in ms or -1, list of {reason,
-- hold (JSON)}}.

local holds = {}
each_hold(function(_, reason, hold)
  holds[#holds + 1] = { reason, cjson.encode(hold) }
end)
local oldest = redis.call("ZRANGE", account .. "unsettled", 0, 0, "WITHSCORES")[2]
return {
  redis.call("HGETALL", account .. "totals"),
  oldest and math.max(0, now - tonumber(oldest)) or -1,
  holds,
}
