-- Reads which sign-ups come next in the account's oldest job, if that is one with an edit.
--
-- KEY account  prefix of the account's keys
-- ARG most  number  how many ids
-- INCLUDE jobs
--
-- Returns {the job, what is changed, who does it, list of ids}; an empty list for a job without.

local job = redis.call("ZRANGE", WAITING_JOBS, 0, 0)[1]
local edit, event = unpack(job and redis.call("HMGET", job_key(job), "change", "event") or {})
if not edit then
  return {}
end
return { job, edit, event, redis.call("ZRANGE", waiting_in_job(job), 0, most - 1) }
