-- Replaces sealed tokens with the same tokens, sealed with another key.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1], ARGV[3], ARGV[5] -> access, refresh and previous refresh token, as they are now
-- ARGV[2], ARGV[4], ARGV[6] -> the same, sealed anew; "" for both where there is none
--
-- Returns 1, or 0 when other tokens are stored by now.
--@include _clock
local A = KEYS[1]
--@include _token
if
  stored("access") ~= ARGV[1]
  or stored("refresh") ~= ARGV[3]
  or (stored("previous") or "") ~= ARGV[5]
then
  return 0
end
redis.call("HSET", TOKENS, "access", ARGV[2], "refresh", ARGV[4])
if ARGV[6] ~= "" then
  redis.call("HSET", TOKENS, "previous", ARGV[6])
end
return 1
