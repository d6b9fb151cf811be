-- Reads how long ago each process was last seen.
--
-- KEY seen  relay:workers or relay:beats
-- INCLUDE clock
--
-- Returns a flat list: process name, ms since it was last seen.

local found = redis.call("ZRANGE", seen, 0, -1, "WITHSCORES")
for i = 2, #found, 2 do
  found[i] = math.max(0, now - tonumber(found[i]))
end
return found
