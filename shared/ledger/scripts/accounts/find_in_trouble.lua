-- Tells which accounts an operator should look at first: they are on hold, have dead letters, or
-- have no tokens that are well.
--
-- ARG accounts  json  list of the prefixes of their keys
-- INCLUDE trouble
--
-- Returns a list of the prefixes of these.

local function has_dead_letters(of)
  return redis.call("EXISTS", of .. "dead") > 0
end

local found = {}
for _, each in ipairs(accounts) do
  if is_held(each) or has_dead_letters(each) or lacks_tokens_that_are_well(each) then
    found[#found + 1] = each
  end
end
return found
