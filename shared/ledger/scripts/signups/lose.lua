-- Settles a claim: the worker met an unforeseen error. The sign-up is due again after a while. It
-- becomes `poison` when this was the last claim that it may lose. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG number  text  of the claim
-- ARG cause  text  what happened
-- ARG wait  milliseconds  until it is due again
-- LIMIT MOST_LOST  number
-- INCLUDE clock account holds lines settle
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".

local fence = check_fence(id, number)
if fence ~= "open" then
  return fence
end

close_claim(id)
free_probes(id)
if count_lost(id, cause) >= MOST_LOST then
  poison(id, cause)
else
  local before = redis.call("HMGET", signup(id), "state_before", "queue")
  redis.call("HSET", signup(id), "state", before[1])
  redis.call("ZADD", due_set(before[2]), text(now + wait), id)
end
return fence
