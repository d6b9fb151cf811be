--@include _base _holds _pace _replays _feeding
-- Reads the account's replays, the latest first, all at the same moment.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> requests per day for deliveries, ARGV[2] -> share of what is left of a day that
-- replays leave, ARGV[3] -> how many of a replay may be under way
--
-- Returns {how many accounts share the pace, requests that replays may use today, list of
-- {id, the job as a list of fields and values, how many wait, obstacle or ""}}.
local budget, kept_share, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local jobs = redis.call("ZREVRANGE", REPLAYS, 0, -1)
if not jobs[1] then
  return { 1, 0, {} }
end

local sharing, due = replaying_accounts()
local quota = replay_quota(budget, kept_share, due)
local found = {}
for _, job in ipairs(jobs) do
  local stored = redis.call("HGETALL", replay(job))
  if not stored[1] then
    redis.call("ZREM", REPLAYS, job) -- ended so long ago that it is forgotten
  else
    local ended = redis.call("HEXISTS", replay(job), "ended_at") == 1
    local obstacle = not ended and replay_room(job, quota, most) or ""
    found[#found + 1] = { job, stored, redis.call("ZCARD", replay_waiting(job)), obstacle or "" }
  end
end
return { sharing, math.max(0, quota), found }
