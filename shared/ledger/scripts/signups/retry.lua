-- Settles a claim: the sign-up failed for a passing reason and comes due again later. Safe to
-- repeat.
--
-- KEY account  prefix of the account's keys
-- KEY calls  relay:calls
-- ARG id  text  of the sign-up
-- ARG number  text  of the claim
-- ARG took  json  how long its calls took
-- ARG attempt  text  as JSON
-- ARG wait  milliseconds  until it is due again
-- ARG error_key  text  of the API's answer
-- ARG message  text  why it failed
-- ARG counted  number  1 when this counts as an attempt, else 0
-- ARG api_failed  flag  whether the API itself failed, which may be an outage
-- INCLUDE clock account record lines settle outage calls
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".

local fence, record = check_fence(id, number)
if fence ~= "open" then
  return fence
end

close_claim(id, record)
count_calls()
remember(record, attempt)
record.attempts = (record.attempts or 0) + counted
record.state, record.queue = "retrying", "retry"
record.error_key = error_key ~= "" and error_key or nil
record.message = message ~= "" and message or nil
redis.call("ZADD", due_set("retry"), text(now + wait), id)
save_or_erase(id, record)
chart("retried", 1)
if api_failed then
  note_failure(id, message)
end
return fence
