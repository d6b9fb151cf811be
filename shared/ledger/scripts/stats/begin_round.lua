-- Gives the next round of rolling figures up to one process: rounds of several at once would do no
-- harm, but take Redis' time.
--
-- KEY progress  relay:stats:roll-up
-- ARG every  milliseconds  how long after a round the next one begins
-- INCLUDE clock
--
-- Returns {1 when the caller has the round, else 0; up to which minute all accounts are rolled up;
-- this minute}.

local stored = redis.call("HMGET", progress, "round_at", "rolled_to")
local mine = math.abs(now - tonumber(stored[1] or 0)) >= every
if mine then
  redis.call("HSET", progress, "round_at", text(now))
end
local this_minute = math.floor(now / 60000)
return { mine and 1 or 0, math.min(this_minute, tonumber(stored[2] or 0)), this_minute }
