-- Makes an installation the one that keeps the account's tokens fresh, whichever did before.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> the installation; ARGV[2] -> id of this server
--
-- Returns 1, or 0 when the account has no tokens.
--@include _clock
local A = KEYS[1]
--@include _token
if not stored("access") then
  return 0
end
belongs_to(ARGV[1], ARGV[2])
redis.call("HDEL", TOKENS, "failures", "failure", "retry_at")
return 1
