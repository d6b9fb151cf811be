-- Notes those of the accounts that are busy, in case one is missing there.
--
-- KEY noted  relay:busy
-- ARG accounts  json  list of the prefixes of their keys
-- INCLUDE busy
--
-- Returns how many are busy.

local count = 0
for _, each in ipairs(accounts) do
  if is_busy(each) then
    redis.call("SADD", noted, each)
    count = count + 1
  end
end
return count
