-- Reads the account's jobs, the latest first, all at the same moment.
--
-- KEY account  prefix of the account's keys
-- ARG deliveries_per_day  number  what the API key allows for deliveries
-- ARG kept_share  number  share of a day's remaining requests that jobs leave
-- ARG most_under_way  number  how many of a job may be under way
-- INCLUDE jobs feeding
--
-- Returns {how many accounts share the pace, requests that jobs may use today, list of
-- {id, the job as a list of fields and values, how many wait, obstacle or "", how many entries of
-- its index it has yet to look at}}.

forget_old_jobs()
local jobs = redis.call("ZREVRANGE", JOBS, 0, -1)
if not jobs[1] then
  return { 1, 0, {} }
end

local sharing, due = accounts_with_jobs()
local quota = job_quota(deliveries_per_day, kept_share, due)
local found = {}
for _, job in ipairs(jobs) do
  local stored = redis.call("HGETALL", job_key(job))
  local ended = redis.call("HEXISTS", job_key(job), "ended_at") == 1
  local obstacle = not ended and job_room(job, quota, most_under_way) or ""
  local waiting = redis.call("ZCARD", waiting_in_job(job))
  found[#found + 1] = { job, stored, waiting, obstacle or "", unseen(job) }
end
return { sharing, math.max(0, quota), found }
