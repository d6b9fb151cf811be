-- Reserves the next slot at the token endpoint, which allows one call a second, for all
-- accounts and API keys, and counts the call in its key's quota, which never refuses it.
--
-- KEYS[1] -> relay:{key}:
-- KEYS[2] -> relay:token-pace   string: when the endpoint is free again, in ms
-- ARGV[1] -> ms between slots; ARGV[2] -> the longest wait that makes sense, in ms
--
-- Returns the ms until the slot, or -1 when that is longer; nothing is reserved then.
--@include _clock
local K = KEYS[1]
--@include _pace
local spacing, longest = tonumber(ARGV[1]), tonumber(ARGV[2])
local slot = math.max(now, tonumber(redis.call("GET", KEYS[2]) or 0))
-- A slot further away than any reservation reaches means that Redis' clock went back.
if slot > now + longest + spacing then
  slot = now
end
if slot > now + longest then
  return -1
end
redis.call("SET", KEYS[2], text(slot + spacing), "PX", longest + 2 * spacing)
count_call()
return slot - now
