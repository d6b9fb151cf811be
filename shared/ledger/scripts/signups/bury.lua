-- Settles a claim: the sign-up becomes a dead letter, with its reason. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- KEY calls  relay:calls
-- ARG id  text  of the sign-up
-- ARG number  text  of the claim
-- ARG took  json  how long its calls took
-- ARG attempt  text?  as JSON; none when nothing was sent
-- ARG reason  text  of the dead letter
-- ARG error_key  text  of the API's answer
-- ARG message  text  why it is dead
-- ARG account_is_well  flag  whether the answer shows that the account itself is well
-- ARG api_failed  flag  whether the API itself failed, which may be an outage
-- INCLUDE record holds settle outage calls
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".

local fence, record = check_fence(id, number)
if fence ~= "open" then
  return fence
end

local claim = close_claim(id, record)
count_calls()
if attempt then
  remember(record, attempt)
  record.attempts = (record.attempts or 0) + 1
end
make_dead(id, record, reason, error_key, message)
save_or_erase(id, record)
if account_is_well then
  end_failures()
  end_probed_holds(claim.probe)
elseif api_failed then
  note_failure(id, message)
elseif not attempt then
  free_probes(claim.probe)
end
return fence
