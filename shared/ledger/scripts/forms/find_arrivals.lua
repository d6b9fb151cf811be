-- Tells which forms had so many sign-ups lately that an alert may be about them. Of the others,
-- nothing else needs to be read: no hour of now is busier than the busiest of the last day with any.
--
-- KEY arrivals  relay:arrivals:, which a form's name follows
-- ARG forms  json  list of their names
-- ARG fewest_passed  number  in the last hour, that passed
-- ARG fewest_screened  number  in the last hour, that were quarantined at once
-- ARG fewest_of_a_streak  number  quarantined since the last one that passed
--
-- Returns a list of the names of these.

local found = {}
for _, form in ipairs(forms) do
  local counts = redis.call("HMGET", arrivals .. form, "busiest", "most", "streak")
  if tonumber(counts[1] or 0) >= fewest_passed
    or tonumber(counts[2] or 0) >= fewest_screened
    or tonumber(counts[3] or 0) >= fewest_of_a_streak
  then
    found[#found + 1] = form
  end
end
return found
