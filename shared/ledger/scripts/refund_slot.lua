-- Gives back a slot that was not used in time: no call was made, so none is counted.
--
-- KEYS[1] -> relay:{key}:
--
-- Returns 1.
--@include _clock
local K = KEYS[1]
--@include _pace
-- In the first minute of a day the slot may have been counted for the day before.
if used_today() > 0 and now % DAY > 60000 then
  redis.call("DECR", quota_key())
end
return 1
