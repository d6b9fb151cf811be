-- Tells which forms have refused sign-ups lately, and may be at fault. Of the others, nothing else
-- needs to be read to know that they do not refuse too much.
--
-- KEY refusals  relay:refusals:, which a form's name follows
-- ARG forms  json  list of their names
-- ARG forgotten_after  milliseconds  how old the last refusal of a streak may be
-- LIMIT REFUSAL_SLOT  milliseconds
-- LIMIT SLOTS_OF_AN_HOUR  number
-- INCLUDE clock
--
-- Returns a list of the names of these.

local slots_of_the_last_hour = {}
local slot = math.floor(now / REFUSAL_SLOT)
for before = 0, SLOTS_OF_AN_HOUR - 1 do
  slots_of_the_last_hour[before + 1] = "refused:" .. text(slot - before)
end

local function refused_in_the_last_hour(form)
  local counts = redis.call("HMGET", refusals .. form .. ":recent", unpack(slots_of_the_last_hour))
  for _, count in ipairs(counts) do
    if count then
      return true
    end
  end
  return false
end

local found = {}
for _, form in ipairs(forms) do
  local last = redis.call("HGET", refusals .. form .. ":streak", "last")
  local goes_on = last and now - tonumber(last) < forgotten_after
  if goes_on or refused_in_the_last_hour(form) then
    found[#found + 1] = form
  end
end
return found
