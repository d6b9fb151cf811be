--@include _base _replays
-- Puts dead letters into a replay, which begins with the first of them. Those that wait in another
-- one stay there. Safe to repeat.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> the replay's id, ARGV[2] -> who wants it, ARGV[3] -> what was chosen (JSON), and then
-- the ids of the dead letters
--
-- Returns how many were put into it.
local job, by, chosen = ARGV[1], ARGV[2], ARGV[3]

-- Whether the dead letter waits in a replay already, or was sent by this one.
local function taken(id)
  local other = redis.call("HGET", signup(id), "replay")
  return other and (other == job or redis.call("ZSCORE", replay_waiting(other), id))
end

if redis.call("HEXISTS", replay(job), "cancelled_at") == 1 then
  return 0
end
local added = 0
for i = 4, #ARGV do
  local id = ARGV[i]
  local stored = redis.call("HMGET", signup(id), "state", "received_at")
  if stored[1] == "dead" and not taken(id) then
    redis.call("HSET", signup(id), "replay", job)
    redis.call("ZADD", replay_waiting(job), stored[2], id)
    added = added + 1
  end
end
if added == 0 then
  return 0
end

if redis.call("ZADD", REPLAYS, "NX", text(now), job) == 1 then
  redis.call(
    "HSET", replay(job),
    "by", by, "chosen", chosen, "started_at", text(now),
    "total", 0, "moved", 0, "delivered", 0, "dead", 0, "skipped", 0, "cancelled", 0
  )
end
redis.call("HINCRBY", replay(job), "total", added)
redis.call("HDEL", replay(job), "ended_at") -- what was there before may all be done already
redis.call("PERSIST", replay(job))
redis.call("ZADD", UNFED, "NX", text(now), job)
return added
