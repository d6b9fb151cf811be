-- Takes back the count of a request whose slot was not used in time. The slot itself is lost.
--
-- KEY api_key  prefix of the API key's keys
-- INCLUDE clock pace
--
-- Returns 1.

-- In the first minute of a day the slot may have been counted for the day before.
if used_today() > 0 and now % DAY > 60000 then
  redis.call("DECR", quota_key())
end
return 1
