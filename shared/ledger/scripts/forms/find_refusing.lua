-- Tells which forms have refused sign-ups lately, and may be at fault. Of the others, nothing else
-- needs to be read to know that they do not refuse too much.
--
-- KEY refusals  relay:refusals:, which a form's name follows
-- ARG forms  json  list of their names
-- ARG forgotten_after  milliseconds  how old the last refusal of a streak may be
-- INCLUDE clock hour
--
-- Returns a list of the names of these.

local found = {}
for _, form in ipairs(forms) do
  local last = redis.call("HGET", refusals .. form .. ":streak", "last")
  local goes_on = last and now - tonumber(last) < forgotten_after
  if goes_on or sum_of_hour(refusals .. form .. ":recent", "refused:") > 0 then
    found[#found + 1] = form
  end
end
return found
