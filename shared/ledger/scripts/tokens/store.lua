-- Stores the tokens of a new connection in place of any others. A refresh of the old ones that is
-- still under way will find its refresh token gone.
--
-- KEY account  prefix of the account's keys
-- ARG spent  text?  digest of the refresh token that was spent to get these
-- ARG access  text  access token, sealed
-- ARG refresh  text  refresh token, sealed
-- ARG digest  text  of the refresh token
-- ARG life  milliseconds  of the access token
-- ARG scopes  text  of the access token
-- ARG client_id  text  the API key
-- ARG instance  text  the caller's installation
-- ARG server  text  id of this server
-- ARG origin  text  the addresses of the API and of its authorization server
-- ARG replaced_by  text?  who let another account take the name, if these are the tokens of one
-- ARG replaced  text?  what the account before was called
-- INCLUDE clock tokens
--
-- Returns the version. Safe to repeat: the same sealed tokens are stored once.

if stored("access") == access then
  return tonumber(stored("version"))
end
if spent and spent ~= digest then
  redis.call("ZADD", SPENT, text(now), spent)
end
redis.call("HDEL", TOKENS, "kind", "refreshed_at")
redis.call("HSET", TOKENS, "origin", origin)
belongs_to(instance, server)
if replaced_by then
  redis.call(
    "HSET", TOKENS,
    "replaced_at", text(now),
    "replaced_by", replaced_by,
    "replaced", replaced
  )
end
return write_pair({
  access = access,
  refresh = refresh,
  digest = digest,
  life = life,
  scopes = scopes,
  client_id = client_id,
})
