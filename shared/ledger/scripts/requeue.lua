--@include _base _holds _lines
-- Retries a dead letter: it is due again, below everything fresh, at the end of its person's
-- line, with all its attempts before it. What happened so far stays in its history.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> id
--
-- Returns 1, or 0 when it is no dead letter (any more).
local id = ARGV[1]
local stored = redis.call("HMGET", signup(id), "state", "reason", "person")
if stored[1] ~= "dead" then
  return 0
end

redis.call("ZREM", A .. "dead", id)
redis.call("ZREM", A .. "dead:" .. stored[2], id)
redis.call("HDEL", signup(id), "reason", "error_key", "message", "settled_at")
redis.call(
  "HSET", signup(id),
  "state", "queued", "attempts", 0, "lost", 0, "held_mark", text(held_time()),
  "requeued_at", text(now)
)
redis.call("ZADD", A .. "unsettled", redis.call("HGET", signup(id), "received_at"), id)
join_line(id, stored[3], "replay", moment)
count("dead", -1)
count("due", 1)
return 1
