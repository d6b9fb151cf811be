-- Dead letters are in one sorted set of them all and in one of their reason, and are counted.
--
-- NEEDS account
-- INCLUDE account

-- Takes the dead letter out of its sets and their count. The caller gives it another state.
local function leave_dead_letters(id, record)
  redis.call("ZREM", account .. "dead", id)
  redis.call("ZREM", account .. "dead:" .. record.reason, id)
  count("dead", -1)
end
