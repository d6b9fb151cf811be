--@include _base _holds
-- Reads the figures of one account, all at the same moment.
--
-- KEYS[1] -> relay:{A}:
--
-- Returns {flat list of the totals, age of the oldest due sign-up in ms or -1,
-- list of {"account" or "key", reason, hold (JSON)}}.
local holds = {}
each_hold(function(prefix, reason, hold)
  holds[#holds + 1] = { prefix == A and "account" or "key", reason, cjson.encode(hold) }
end)
local oldest = redis.call("ZRANGE", A .. "unsettled", 0, 0, "WITHSCORES")[2]
return {
  redis.call("HGETALL", A .. "totals"),
  oldest and math.max(0, now - tonumber(oldest)) or -1,
  holds,
}
