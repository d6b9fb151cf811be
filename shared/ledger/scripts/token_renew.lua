-- Stores a refreshed pair, if the refresh token that was spent for it is still the stored one;
-- the lock may have run out in the meantime. Ends the call.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> name of the call
-- ARGV[2], ARGV[3] -> access and refresh token, sealed; ARGV[4] -> digest of the latter
-- ARGV[5] -> life of the access token in ms; ARGV[6] -> scopes; ARGV[7] -> client id
-- ARGV[8] -> the caller's installation; ARGV[9] -> id of this server
-- ARGV[10], ARGV[11] -> digest of the refresh token that was spent, and version it was read in
--
-- Returns the version, or 0 when other tokens were stored first. Safe to repeat.
--@include _clock
local A = KEYS[1]
--@include _token
redis.call("ZREM", CALLS, ARGV[1])
if stored("access") == ARGV[2] then
  return tonumber(stored("version"))
end
if stored("digest") ~= ARGV[10] then
  return 0
end
-- A long-lived refresh token comes back as it was: nothing has been replaced then, and only the
-- version tells whether others have got newer tokens with it.
local long_lived = ARGV[4] == ARGV[10]
if long_lived and stored("version") ~= ARGV[11] then
  return 0
end
local spent = stored("refresh")
local version = write_pair()
redis.call("HSET", TOKENS, "refreshed_at", text(now))
-- A process of the same installation that goes by another name leaves the right one there.
if (stored("instance") or ARGV[8]) == ARGV[8] then
  belongs_to(ARGV[8], ARGV[9])
end
if long_lived then
  redis.call("HSET", TOKENS, "kind", "long-lived")
else
  redis.call("HSET", TOKENS, "kind", "rotating", "previous", spent)
  redis.call("ZADD", SPENT, text(now), ARGV[10])
  redis.call("ZREMRANGEBYRANK", SPENT, 0, -MOST_SPENT - 1)
end
return version
