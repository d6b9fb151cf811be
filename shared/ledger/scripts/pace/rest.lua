-- Lets an API key rest: no slot begins before the time is over.
--
-- KEY owner  prefix of the keys of an account, or of the API key itself
-- ARG duration  milliseconds  how long it rests
-- ARG slower_for  milliseconds  how long it goes slower afterwards; 0 for not at all
-- LIMIT LONGEST_REST  microseconds
-- INCLUDE clock
--
-- Returns 1.

-- Of the two, only an account names an API key.
local api_key = redis.call("GET", owner .. "key") or owner
local pace = api_key .. "pace"
local rest_until = now_us + duration * 1000
local stored = unless_beyond(LONGEST_REST, redis.call("HGET", pace, "rest_until"))
redis.call("HSET", pace, "rest_until", text(math.max(stored, rest_until)))
if slower_for > 0 then
  redis.call("HSET", pace, "slow_until", text(rest_until + slower_for * 1000))
end
return 1
