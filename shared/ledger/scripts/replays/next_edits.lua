-- Reads which sign-ups come next in the account's oldest replay, if that is one with an edit.
--
-- KEY account  prefix of the account's keys
-- ARG most  number  how many ids
-- INCLUDE replays
--
-- Returns {the job, what is changed, who does it, list of ids}; an empty list for another replay.

local job = redis.call("ZRANGE", REPLAYING, 0, 0)[1]
local edit, event = unpack(job and redis.call("HMGET", replay(job), "change", "event") or {})
if not edit then
  return {}
end
return { job, edit, event, redis.call("ZRANGE", replay_waiting(job), 0, most - 1) }
