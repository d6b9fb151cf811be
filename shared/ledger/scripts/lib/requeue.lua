-- Retrying a dead letter, by hand or by a replay.
--
-- NEEDS account
-- INCLUDE clock account busy holds lines

-- Makes a dead letter due at `when` (a text), below all fresh sign-ups, at the end of its person's
-- line. Its attempts begin anew; its history stays.
local function requeue(id, when)
  local stored = redis.call("HMGET", signup(id), "reason", "person", "received_at")
  redis.call("ZREM", account .. "dead", id)
  redis.call("ZREM", account .. "dead:" .. stored[1], id)
  redis.call("HDEL", signup(id), "reason", "error_key", "message", "settled_at")
  redis.call(
    "HSET", signup(id),
    "state", "queued", "queue", "replay", "attempts", 0, "lost", 0, "held_mark", text(held_time()),
    "requeued_at", text(now)
  )
  redis.call("ZADD", account .. "unsettled", stored[3], id)
  join_line(id, stored[2], "replay", when)
  count("dead", -1)
  count("due", 1)
  note_busy(account)
end
