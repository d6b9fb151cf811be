-- What the steps on an account's tokens share.
--
-- NEEDS account
-- LIMIT FIRST_TOKEN_PAUSE  milliseconds
-- LIMIT LONGEST_TOKEN_PAUSE  milliseconds
-- INCLUDE clock

local TOKENS = account .. "tokens"
local LOCK = account .. "token-lock"
local CALLS = account .. "token-calls"
local SPENT = account .. "token-spent"

local function stored(field)
  return redis.call("HGET", TOKENS, field)
end

-- Lets nobody call the token endpoint for a while, which doubles with each failure.
local function pause()
  local failures = tonumber(stored("failures") or 0) + 1
  redis.call("HSET", TOKENS, "failures", text(failures))
  local ms = math.min(LONGEST_TOKEN_PAUSE, FIRST_TOKEN_PAUSE * 2 ^ math.min(failures - 1, 30))
  redis.call("HSET", TOKENS, "retry_at", text(now + ms))
end

-- Writes down which installation keeps the tokens fresh, and on which running server it does.
local function belongs_to(instance, server)
  redis.call("HSET", TOKENS, "instance", instance, "server", server)
end

-- Writes a pair of tokens with the next version, and forgets what concerned the last one. `pair`
-- has access, refresh, digest, life (ms), scopes and client_id. Returns the version.
local function write_pair(pair)
  redis.call(
    "HDEL", TOKENS,
    "previous", "worked", "revoked", "access_refused", "failures", "failure", "retry_at"
  )
  redis.call(
    "HSET", TOKENS,
    "access", pair.access,
    "refresh", pair.refresh,
    "digest", pair.digest,
    "received_at", text(now),
    "expires_at", text(now + pair.life),
    "scopes", pair.scopes,
    "client_id", pair.client_id
  )
  local version = tonumber(stored("version") or 0) + 1
  redis.call("HSET", TOKENS, "version", text(version))
  return version
end
