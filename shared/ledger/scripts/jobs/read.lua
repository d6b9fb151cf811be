-- Reads what the next step of a job is about.
--
-- KEY account  prefix of the account's keys
-- ARG job  text  its id
-- LIMIT MOST_STEPPED  number
-- INCLUDE jobs
--
-- Returns {what the job does, the filter, what an edit changes or "", where the step begins, where the
-- one after it begins or "" if this is the last one, list of ids}; an empty list when nothing is left
-- to go through.

local action, filter, edit, cursor, index, up_to = unpack(
  redis.call("HMGET", job_key(job), "action", "filter", "change", "cursor", "index", "up_to")
)
edit = edit or ""
if not cursor then
  return {}
end
local key = account .. index
local page = redis.call(
  "ZRANGE", key, cursor, up_to, "BYSCORE", "LIMIT", 0, MOST_STEPPED, "WITHSCORES"
)
local ids = {}
for i = 1, #page, 2 do
  ids[#ids + 1] = page[i]
end
if #ids < MOST_STEPPED then
  return { action, filter, edit, cursor, "", ids }
end
-- More may have the score of the last one. All of these belong to this step.
local last = page[#page]
while page[#page] == last do
  page[#page], page[#page - 1], ids[#ids] = nil, nil, nil
end
for _, id in ipairs(redis.call("ZRANGE", key, last, last, "BYSCORE")) do
  ids[#ids + 1] = id
end
return { action, filter, edit, cursor, "(" .. last, ids }
