-- Releases a claim: what went wrong was not the sign-up's fault. It is due again at once, in its
-- old place. No attempt is counted, but what happened is remembered. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG number  text  of the claim
-- ARG attempt  text?  as JSON; none when nothing was sent
-- INCLUDE account holds lines settle
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".

local fence = check_fence(id, number)
if fence ~= "open" then
  return fence
end

close_claim(id)
remember_attempt(id, attempt)
local before = redis.call("HMGET", signup(id), "state_before", "due_before", "queue")
redis.call("HSET", signup(id), "state", before[1])
redis.call("ZADD", due_set(before[3]), before[2], id)
if not attempt then
  free_probes(id)
end
return fence
