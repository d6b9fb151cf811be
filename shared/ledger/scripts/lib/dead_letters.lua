-- Dead letters are in one sorted set of them all and in one of their reason, and are counted.
--
-- NEEDS account
-- INCLUDE clock account

-- Takes the dead letter out of its sets and their count. The caller gives it another state.
local function leave_dead_letters(id, record)
  redis.call("ZREM", account .. "dead", id)
  redis.call("ZREM", account .. "dead:" .. record.reason, id)
  count("dead", -1)
end

-- Puts the dead letter into its sets and their count. Its record says since when, and why.
local function join_dead_letters(id, record)
  redis.call("ZADD", account .. "dead", text(record.settled_at), id)
  redis.call("ZADD", account .. "dead:" .. record.reason, text(record.settled_at), id)
  count("dead", 1)
end
