--@include _base _holds _lines _pace _requeue _replays _feeding
-- Makes the next dead letters of the account's oldest replay due, as many as pace, quota and room
-- allow.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> sign-ups per second, for all replays of the API key, ARGV[2] -> requests per day for
-- deliveries, ARGV[3] -> share of what is left of a day that replays leave, ARGV[4] -> how many of
-- a replay may be under way
--
-- Returns how many became due.
local budget, kept_share, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
-- What was passed over costs nothing, but takes the server's time.
local MOST_LOOKED_AT = 500
local FED = A .. "replay-fed"

-- Returns how many the pace allows now, and notes that they were fed. Whatever was missed in a
-- pause of more than a few seconds is not made up for.
local function take_time_left(per_second, most_now)
  local life = math.max(10000, math.ceil(4000 / per_second))
  local fed = tonumber(redis.call("GET", FED) or now - 1000)
  fed = math.min(now, math.max(fed, now - life)) -- Redis' clock may have gone back
  local allowed = math.min(most_now, math.floor((now - fed) * per_second / 1000))
  -- Needs memory, so a full server refuses the script here, before its first change.
  redis.call("SET", FED, string.format("%.3f", fed + allowed * 1000 / per_second), "PX", life)
  return allowed
end

local job = redis.call("ZRANGE", UNFED, 0, 0)[1]
if not job then
  return 0
end
local sharing, due = replaying_accounts()
local obstacle, room = replay_room(job, replay_quota(budget, kept_share, due), most)
local allowed = obstacle and 0 or take_time_left(tonumber(ARGV[1]) / sharing, room)
if allowed == 0 then
  return 0
end

local moved, looked_at = 0, 0
while moved < allowed and looked_at < MOST_LOOKED_AT do
  local id = redis.call("ZPOPMIN", replay_waiting(job))[1]
  if not id then
    break
  end
  looked_at = looked_at + 1
  local stored = redis.call("HMGET", signup(id), "state", "replay")
  if stored[1] == "dead" and stored[2] == job then
    -- A microsecond apart, so that the oldest is sent first.
    requeue(id, string.format("%.3f", (now_us + moved) / 1000))
    moved = moved + 1
  end
end
redis.call("HINCRBY", replay(job), "moved", moved)
redis.call("HINCRBY", replay(job), "skipped", looked_at - moved)
leave_replaying_if_fed(job)
return moved
