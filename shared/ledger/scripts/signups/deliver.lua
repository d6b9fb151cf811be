-- Settles a claim: the sign-up is delivered. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- ARG number  text  of the claim
-- ARG attempt  text  as JSON
-- ARG contact_id  text  the contact at Constant Contact
-- ARG action  text  what became of the contact there
-- INCLUDE clock account holds settle outage
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".

local fence = check_fence(id, number)
if fence ~= "open" then
  return fence
end

close_claim(id)
remember_attempt(id, attempt)
redis.call("HINCRBY", signup(id), "attempts", 1)
redis.call(
  "HSET", signup(id),
  "state", "delivered", "contact_id", contact_id, "action", action, "settled_at", text(now)
)
redis.call("ZADD", account .. "delivered", text(now), id)
close_signup(id)
count("due", -1)
count("delivered", 1)
chart("delivered")
redis.call("SET", account .. "succeeded-at", text(now))
end_failures()
end_probed_holds(id)
return fence
