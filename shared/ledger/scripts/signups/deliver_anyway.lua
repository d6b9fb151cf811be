-- Makes a quarantined sign-up due, as an operator decided. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG contact  text  the contact that was checked, as JSON
-- INCLUDE clock account busy holds lines quarantine
--
-- Returns 1, or 0 when it is not quarantined (any more) or somebody else changed it in between.

local stored = redis.call("HMGET", signup(id), "state", "contact", "person", "received_at")
if stored[1] ~= "quarantined" or stored[2] ~= contact then
  return 0
end
local person, received = stored[3], stored[4]
local line = account .. "person:" .. person

-- Returns the sign-up's place in its person's line: where it was received, but behind a head that
-- has been claimed.
local function place_in_line(head, head_place)
  local place = math.floor(tonumber(received) * 1000)
  if not head or tonumber(head_place) < place then
    return place
  end
  local untouched = redis.call("HGET", signup(head), "state") == "queued"
  return untouched and math.min(place, head_place - 1) or head_place + 0.5
end

local head = redis.call("ZRANGE", line, 0, 0, "WITHSCORES")
local place = place_in_line(head[1], head[2])

leave_quarantine(id)
redis.call("HDEL", signup(id), "reason")
redis.call(
  "HSET", signup(id),
  "state", "queued", "queue", "replay", "held_mark", text(held_time()), "requeued_at", text(now)
)
local event = { at = now, event = "delivered from quarantine", counted = false }
redis.call("RPUSH", account .. "attempts:" .. id, cjson.encode(event))
redis.call("ZADD", account .. "unsettled", received, id)
redis.call("ZADD", line, string.format("%.1f", place), id)
if redis.call("ZRANGE", line, 0, 0)[1] == id then
  if head[1] then
    redis.call("ZREM", due_set(redis.call("HGET", signup(head[1]), "queue")), head[1])
  end
  redis.call("ZADD", due_set("replay"), moment, id)
end
count("due", 1)
note_busy(account)
return 1
