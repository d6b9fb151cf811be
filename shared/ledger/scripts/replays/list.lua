-- Reads the account's jobs, the latest first, all at the same moment.
--
-- KEY account  prefix of the account's keys
-- ARG deliveries_per_day  number  what the API key allows for deliveries
-- ARG kept_share  number  share of a day's remaining requests that replays leave
-- ARG most_under_way  number  how many of a replay may be under way
-- INCLUDE replays feeding
--
-- Returns {how many accounts share the pace, requests that replays may use today, list of
-- {id, the job as a list of fields and values, how many wait, obstacle or "", how many entries of
-- its index it has yet to look at}}.

forget_old_replays()
local jobs = redis.call("ZREVRANGE", REPLAYS, 0, -1)
if not jobs[1] then
  return { 1, 0, {} }
end

local sharing, due = replaying_accounts()
local quota = replay_quota(deliveries_per_day, kept_share, due)
local found = {}
for _, job in ipairs(jobs) do
  local stored = redis.call("HGETALL", replay(job))
  local ended = redis.call("HEXISTS", replay(job), "ended_at") == 1
  local obstacle = not ended and replay_room(job, quota, most_under_way) or ""
  local waiting = redis.call("ZCARD", replay_waiting(job))
  found[#found + 1] = { job, stored, waiting, obstacle or "", unseen(job) }
end
return { sharing, math.max(0, quota), found }
