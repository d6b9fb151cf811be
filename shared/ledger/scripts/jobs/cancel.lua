-- Cancels what a job has not done yet. What waits in it stays dead, and what is due already
-- flows on. What is discarded stays discarded. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG job  text  id of the job
-- ARG by  text  who cancels it
-- INCLUDE clock stored jobs
--
-- Returns how many of its sign-ups stay as they are, or -1 when the account has no such job.

if redis.call("EXISTS", job_key(job)) == 0 then
  return -1
end
-- If a filter has to read records, nobody knows how many it has yet to find.
local finds_all = redis.call("HGET", job_key(job), "filter") == "{}"
local left, waiting = finds_all and unseen(job) or 0, redis.call("ZCARD", waiting_in_job(job))
if waiting > 0 or is_stepping(job) then
  add_to(job_key(job), "total", left)
  add_to(job_key(job), "cancelled", waiting + left)
  redis.call("HSET", job_key(job), "cancelled_at", text(now), "cancelled_by", by)
  redis.call("UNLINK", waiting_in_job(job))
  end_steps(job)
end
return tonumber(redis.call("HGET", job_key(job), "cancelled"))
