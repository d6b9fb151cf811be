-- Begins a call of the token endpoint: writes the intention down before anything is sent.
--
-- KEY account  prefix of the account's keys
-- ARG call  text  name of the call, which is also the holder of the lock
-- ARG version  text  of the tokens that the caller has read
-- ARG life  milliseconds  of the lock and of the intention, from now
-- INCLUDE clock tokens
--
-- Returns 1, or 0 when the lock is no longer the caller's or the tokens have changed.

if redis.call("GET", LOCK) ~= call or stored("version") ~= version then
  return 0
end
redis.call("PEXPIRE", LOCK, life)
redis.call("ZADD", CALLS, text(now + life), call)
redis.call("PEXPIRE", CALLS, 10 * life)
return 1
