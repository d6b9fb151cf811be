--@include _base _pace
-- Lets the whole API key rest: no slot begins before the time is over.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> ms to rest, ARGV[2] -> ms to go slower afterwards, 0 for not at all
--
-- Returns 1.
local rest_until = now_us + tonumber(ARGV[1]) * 1000
local stored = unless_beyond(LONGEST_REST, redis.call("HGET", K .. "pace", "rest_until"))
redis.call("HSET", K .. "pace", "rest_until", text(math.max(stored, rest_until)))
if ARGV[2] ~= "0" then
  redis.call("HSET", K .. "pace", "slow_until", text(rest_until + tonumber(ARGV[2]) * 1000))
end
return 1
