-- What the steps on an account's tokens share. A must be defined before: the account's prefix.

local TOKENS = A .. "tokens"
local LOCK = A .. "token-lock"
local CALLS = A .. "token-calls"
local SPENT = A .. "token-spent"

-- At six refreshes a day, more than the 180 days after which any refresh token has died.
local MOST_SPENT = 2000

-- The first pause after a failed call, doubled by each further one up to the longest.
local FIRST_PAUSE = 1000
local LONGEST_PAUSE = 300000

local function stored(field)
  return redis.call("HGET", TOKENS, field)
end

-- Lets nobody call the token endpoint for a while.
local function pause()
  local failures = redis.call("HINCRBY", TOKENS, "failures", 1)
  local ms = math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ^ math.min(failures - 1, 30))
  redis.call("HSET", TOKENS, "retry_at", text(now + ms))
end

-- Writes down which installation keeps the tokens fresh, and on which running server it does.
local function belongs_to(instance, server)
  redis.call("HSET", TOKENS, "instance", instance, "server", server)
end

-- Writes a pair of tokens with the next version, and forgets what concerned the last one.
-- ARGV[2..7] as given to the steps token_store and token_renew.
local function write_pair()
  redis.call("HDEL", TOKENS, "previous", "worked", "revoked", "failures", "failure", "retry_at")
  redis.call(
    "HSET", TOKENS,
    "access", ARGV[2],
    "refresh", ARGV[3],
    "digest", ARGV[4],
    "received_at", text(now),
    "expires_at", text(now + tonumber(ARGV[5])),
    "scopes", ARGV[6],
    "client_id", ARGV[7]
  )
  return redis.call("HINCRBY", TOKENS, "version", 1)
end
