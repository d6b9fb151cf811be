-- Judges an invalid_grant, and ends the call that got it. It proves revocation only when the
-- stored refresh token is still the one sent, and no other call that sent it can still bring
-- the pair that it was spent for.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> name of the call; ARGV[2] -> digest of the refresh token it sent
--
-- Returns "replaced", "contested" (asking again is paused) or "revoked" (never ask again).
--@include _clock
local A = KEYS[1]
--@include _token
redis.call("ZREM", CALLS, ARGV[1])
redis.call("ZREMRANGEBYSCORE", CALLS, "-inf", text(now))
if stored("digest") ~= ARGV[2] then
  return "replaced"
end
if redis.call("ZCARD", CALLS) > 0 then
  pause()
  return "contested"
end
redis.call("HSET", TOKENS, "revoked", ARGV[2])
return "revoked"
