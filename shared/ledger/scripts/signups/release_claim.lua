-- Releases a claim: what went wrong was not the sign-up's fault. It is due again at once, in its
-- old place. No attempt is counted, but what happened is remembered. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- KEY calls  relay:calls
-- ARG id  text  of the sign-up
-- ARG number  text  of the claim
-- ARG took  json  how long its calls took
-- ARG attempt  text?  as JSON; none when nothing was sent
-- INCLUDE record holds lines settle calls
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".

local fence, record = check_fence(id, number)
if fence ~= "open" then
  return fence
end

local claim = close_claim(id, record)
count_calls()
record.state = claim.state_before
redis.call("ZADD", due_set(record.queue), claim.due_before, id)
if attempt then
  remember(record, attempt)
else
  free_probes(claim.probe)
end
save_or_erase(id, record)
return fence
