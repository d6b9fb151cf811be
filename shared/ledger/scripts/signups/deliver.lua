-- Settles a claim: the sign-up is delivered. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- KEY calls  relay:calls
-- ARG id  text  of the sign-up
-- ARG number  text  of the claim
-- ARG took  json  how long its calls took
-- ARG attempt  text  as JSON
-- ARG contact_id  text  the contact at Constant Contact
-- ARG action  text  what became of the contact there
-- INCLUDE clock account record holds delivered settle outage calls
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".

local fence, record = check_fence(id, number)
if fence ~= "open" then
  return fence
end

local claim = close_claim(id, record)
count_calls()
remember(record, attempt)
record.attempts = (record.attempts or 0) + 1
record.state, record.settled_at = "delivered", now
record.contact_id, record.action = contact_id, action ~= "" and action or nil
join_delivered(id, record.received_at)
close_signup(id, record)
save_or_erase(id, record)
count("due", -1)
count("delivered", 1)
chart("delivered", 1)
redis.call("SET", account .. "succeeded-at", text(now))
end_failures()
end_probed_holds(claim.probe)
return fence
