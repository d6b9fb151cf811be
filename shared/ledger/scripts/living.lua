-- Reads how long ago each process was last seen.
--
-- KEYS[1] -> zset: process name -> last seen, ms
--
-- Returns a flat list: process name, ms since it was last seen.
--@include _clock
local seen = redis.call("ZRANGE", KEYS[1], 0, -1, "WITHSCORES")
for i = 2, #seen, 2 do
  seen[i] = math.max(0, now - tonumber(seen[i]))
end
return seen
