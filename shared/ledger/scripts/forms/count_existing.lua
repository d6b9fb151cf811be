-- Counts a sign-up that format 1 did not count for its form. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- INCLUDE account forms
--
-- Returns 1, or 0 when it is counted already, or gone.

local stored = redis.call("HMGET", signup(id), "form", "state", "counted")
local form = stored[1]
if not form or stored[3] then
  return 0
end

redis.call("HSET", signup(id), "counted", 1)
count_form(form, "accepted", 1)
if stored[2] == "quarantined" then
  count_form(form, "quarantined", 1)
  count_form(form, "screened", 1)
end
return 1
