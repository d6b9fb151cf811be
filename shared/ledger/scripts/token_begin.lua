-- Begins a call of the token endpoint: writes the intention down before anything is sent.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> name of the call, which is also the holder of the lock
-- ARGV[2] -> version of the tokens that the caller has read
-- ARGV[3] -> life of the lock and of the intention in ms, from now
--
-- Returns 1, or 0 when the lock is no longer the caller's or the tokens have changed.
--@include _clock
local A = KEYS[1]
--@include _token
if redis.call("GET", LOCK) ~= ARGV[1] or stored("version") ~= ARGV[2] then
  return 0
end
redis.call("PEXPIRE", LOCK, ARGV[3])
redis.call("ZADD", CALLS, text(now + tonumber(ARGV[3])), ARGV[1])
redis.call("PEXPIRE", CALLS, 10 * tonumber(ARGV[3]))
return 1
