-- Stores a refreshed pair, if the refresh token that was spent for it is still the stored one. The
-- lock may have run out in the meantime. Ends the call.
--
-- KEY account  prefix of the account's keys
-- ARG call  text  name of the call
-- ARG access  text  access token, sealed
-- ARG refresh  text  refresh token, sealed
-- ARG digest  text  of the refresh token
-- ARG life  milliseconds  of the access token
-- ARG scopes  text  of the access token
-- ARG client_id  text  the API key
-- ARG instance  text  the caller's installation
-- ARG server  text  id of this server
-- ARG spent  text  digest of the refresh token that was spent
-- ARG spent_version  text  version in which the caller read it
-- LIMIT MOST_SPENT  number
-- INCLUDE clock tokens
--
-- Returns the version, or 0 when other tokens were stored first. Safe to repeat.

redis.call("ZREM", CALLS, call)
if stored("access") == access then
  return tonumber(stored("version"))
end
if stored("digest") ~= spent then
  return 0
end
-- A long-lived refresh token comes back as it was: nothing has been replaced then, and only the
-- version tells whether others have got newer tokens with it.
local long_lived = digest == spent
if long_lived and stored("version") ~= spent_version then
  return 0
end
local previous = stored("refresh")
local version = write_pair({
  access = access,
  refresh = refresh,
  digest = digest,
  life = life,
  scopes = scopes,
  client_id = client_id,
})
redis.call("HSET", TOKENS, "refreshed_at", text(now))
-- A process of the same installation that goes by another name leaves the right one there.
if (stored("instance") or instance) == instance then
  belongs_to(instance, server)
end
if long_lived then
  redis.call("HSET", TOKENS, "kind", "long-lived")
else
  redis.call("HSET", TOKENS, "kind", "rotating", "previous", previous)
  redis.call("ZADD", SPENT, text(now), spent)
  redis.call("ZREMRANGEBYRANK", SPENT, 0, -MOST_SPENT - 1)
end
return version
