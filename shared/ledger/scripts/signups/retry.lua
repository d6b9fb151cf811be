-- Settles a claim: the sign-up failed for a passing reason and comes due again later. Safe to
-- repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG number  text  of the claim
-- ARG attempt  text  as JSON
-- ARG wait  milliseconds  until it is due again
-- ARG error_key  text  of the API's answer
-- ARG message  text  why it failed
-- ARG counted  number  1 when this counts as an attempt, else 0
-- ARG api_failed  flag  whether the API itself failed, which may be an outage
-- INCLUDE clock account settle outage
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".

local fence = check_fence(id, number)
if fence ~= "open" then
  return fence
end

close_claim(id)
remember_attempt(id, attempt)
redis.call("HINCRBY", signup(id), "attempts", counted)
redis.call(
  "HSET", signup(id),
  "state", "retrying", "queue", "retry", "error_key", error_key, "message", message
)
redis.call("ZADD", account .. "due:retry", text(now + wait), id)
chart("retried")
if api_failed then
  note_failure(id, message)
end
return fence
