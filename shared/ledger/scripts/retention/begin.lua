-- Notes since when each retention counts, and gives the next round to one worker: rounds of several
-- workers at once would do no harm, but take Redis' time.
--
-- KEY retention  relay:retention
-- ARG on  json  list of what is not kept for ever
-- ARG off  json  list of what is
-- ARG every  milliseconds  how long after a round the next one begins
-- INCLUDE clock
--
-- Returns {1 when the caller has the round, else 0; list of what was switched on just now}.

for _, name in ipairs(off) do
  redis.call("HDEL", retention, name)
end
local new = {}
for _, name in ipairs(on) do
  local since = tonumber(redis.call("HGET", retention, name) or nil)
  if not since or since > now then -- or Redis' clock was ahead then
    redis.call("HSET", retention, name, text(now))
    new[#new + 1] = name
  end
end

local last = tonumber(redis.call("HGET", retention, "round_at") or 0)
local mine = math.abs(now - last) >= every
if mine then
  redis.call("HSET", retention, "round_at", text(now))
end
return { mine and 1 or 0, new }
