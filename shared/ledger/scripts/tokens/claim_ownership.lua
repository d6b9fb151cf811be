-- Makes an installation the one that keeps the account's tokens fresh, whichever did before.
--
-- KEY account  prefix of the account's keys
-- ARG instance  text  the installation
-- ARG server  text  id of this server
-- INCLUDE tokens
--
-- Returns 1, or 0 when the account has no tokens.

if not stored("access") then
  return 0
end
belongs_to(instance, server)
redis.call("HDEL", TOKENS, "failures", "failure", "retry_at")
return 1
