-- Releases a claim: what went wrong was not the sign-up's fault. It is due again at once, in its
-- old place. No attempt is counted, but what happened is remembered. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG number  text  of the claim
-- ARG attempt  text?  as JSON; none when nothing was sent
-- INCLUDE record holds lines settle
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".

local fence, record = check_fence(id, number)
if fence ~= "open" then
  return fence
end

local claim = close_claim(id, record)
record.state = claim.state_before
redis.call("ZADD", due_set(record.queue), claim.due_before, id)
if attempt then
  remember(record, attempt)
else
  free_probes(claim.probe)
end
save_or_erase(id, record)
return fence
