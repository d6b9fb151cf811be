-- Counts these accounts' dead letters by their reason.
--
-- ARG accounts  json  list of the prefixes of the accounts' keys
-- ARG reasons  json  list of the reasons
--
-- Returns how many there are of each reason.

local counts = {}
for place, reason in ipairs(reasons) do
  counts[place] = 0
  for _, each in ipairs(accounts) do
    counts[place] = counts[place] + redis.call("ZCARD", each .. "dead:" .. reason)
  end
end
return counts
