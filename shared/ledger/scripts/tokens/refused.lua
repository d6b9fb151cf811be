-- Judges an invalid_grant, and ends the call that got it. It proves revocation only when the
-- stored refresh token is still the one sent, and no other call that sent it can still bring the
-- pair that it was spent for.
--
-- KEY account  prefix of the account's keys
-- ARG call  text  name of the call
-- ARG digest  text  of the refresh token that it sent
-- INCLUDE clock tokens
--
-- Returns "replaced", "contested" (asking again is paused) or "revoked" (never ask again).

redis.call("ZREM", CALLS, call)
redis.call("ZREMRANGEBYSCORE", CALLS, "-inf", text(now))
if stored("digest") ~= digest then
  return "replaced"
end
if redis.call("ZCARD", CALLS) > 0 then
  pause()
  return "contested"
end
redis.call("HSET", TOKENS, "revoked", digest)
return "revoked"
