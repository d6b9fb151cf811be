-- Tells when a sign-up is looked at next, and what it waits for. This changes nothing.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- INCLUDE record lines jobs
--
-- Returns {when it is looked at next, or when its claim runs out (ms; "" for never), how many of its
-- person's sign-ups are before it, the id of the first of them or "", the job that it waits in
-- or ""}.

local record = load_record(id)
if not record then
  return { "", 0, "", "" }
end

local due_at = record.queue and redis.call("ZSCORE", due_set(record.queue), id)
local line = of_person(record.person)
local place = redis.call("ZSCORE", line, id)
local before = 0
if place and tonumber(place) > 0 then
  before = redis.call("ZCOUNT", line, "(0", "(" .. place)
end
local head = before > 0 and head_of_line(record.person)
local job = record.replay
local waits = job and redis.call("ZSCORE", waiting_in_job(job), id)
return { due_at or "", before, head or "", waits and job or "" }
