-- Settles a claim: the worker met an unforeseen error. The sign-up is due again after a while. It
-- becomes `poison` when this was the last claim that it may lose. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- KEY calls  relay:calls
-- ARG id  text  of the sign-up
-- ARG number  text  of the claim
-- ARG took  json  how long its calls took
-- ARG cause  text  what happened
-- ARG wait  milliseconds  until it is due again
-- LIMIT MOST_LOST  number
-- INCLUDE clock holds lines settle calls
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".

local fence, record = check_fence(id, number)
if fence ~= "open" then
  return fence
end

local claim = close_claim(id, record)
count_calls()
free_probes(claim.probe)
count_lost(record, cause)
if record.lost >= MOST_LOST then
  poison(id, record, cause)
else
  record.state = claim.state_before
  redis.call("ZADD", due_set(record.queue), text(now + wait), id)
end
save_or_erase(id, record)
return fence
