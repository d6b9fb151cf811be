-- Stores the tokens of a new connection, whatever was there. A refresh of the old ones that
-- is still under way will find its refresh token gone.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> digest of the refresh token that was spent to get these, or ""
-- ARGV[2], ARGV[3] -> access and refresh token, sealed; ARGV[4] -> digest of the latter
-- ARGV[5] -> life of the access token in ms; ARGV[6] -> scopes; ARGV[7] -> client id
-- ARGV[8] -> the caller's installation; ARGV[9] -> id of this server
--
-- Returns the version. Safe to repeat: the same sealed tokens are stored once.
--@include _clock
local A = KEYS[1]
--@include _token
if stored("access") == ARGV[2] then
  return tonumber(stored("version"))
end
if ARGV[1] ~= "" and ARGV[1] ~= ARGV[4] then
  redis.call("ZADD", SPENT, text(now), ARGV[1])
end
redis.call("HDEL", TOKENS, "kind", "refreshed_at")
belongs_to(ARGV[8], ARGV[9])
return write_pair()
