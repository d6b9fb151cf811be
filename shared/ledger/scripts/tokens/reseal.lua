-- Replaces sealed tokens with the same tokens, sealed with another key.
--
-- KEY account  prefix of the account's keys
-- ARG access  text  access token, as it is now
-- ARG new_access  text  the same, sealed anew
-- ARG refresh  text  refresh token, as it is now
-- ARG new_refresh  text  the same, sealed anew
-- ARG previous  text?  previous refresh token, as it is now, if there is one
-- ARG new_previous  text?  the same, sealed anew
-- INCLUDE tokens
--
-- Returns 1, or 0 when other tokens are stored by now.

if
  stored("access") ~= access
  or stored("refresh") ~= refresh
  or (stored("previous") or nil) ~= previous
then
  return 0
end
redis.call("HSET", TOKENS, "access", new_access, "refresh", new_refresh)
if new_previous then
  redis.call("HSET", TOKENS, "previous", new_previous)
end
return 1
