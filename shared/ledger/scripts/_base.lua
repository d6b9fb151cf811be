--@include _clock
-- What every step on an account starts from: its keys and those of its API key.
--
-- KEYS[1] -> relay:{A}:   the prefix of all keys of one account. The keys are built from it,
--            as the next of a person's sign-ups is not known before the script runs.

local A = KEYS[1]
local K = redis.call("GET", A .. "key") or "relay:{no key}:"

local function signup(id)
  return A .. "signup:" .. id
end

-- Moves the counts of invariant 2.
local function count(name, by)
  redis.call("HINCRBY", A .. "totals", name, by)
end

-- Counts one event for the console's charts.
local function chart(name)
  local key = A .. "stats:" .. text(math.floor(now / 60000))
  redis.call("HINCRBY", key, name, 1)
  redis.call("EXPIRE", key, 172800)
end
