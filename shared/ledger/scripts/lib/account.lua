-- The keys of an account and those of its API key. They are built from prefixes, as the next of a
-- person's sign-ups is not known before the script runs.
--
-- NEEDS account
-- LIMIT CHARTS_KEPT  milliseconds
-- INCLUDE clock stored

local api_key = redis.call("GET", account .. "key") or "relay:{no key}:"

local function signup(id)
  return account .. "signup:" .. id
end

-- Moves the counts of invariant 2.
local function count(name, by)
  add_to(account .. "totals", name, by)
end

-- Counts one event for the console's charts.
local function chart(name)
  local key = account .. "stats:" .. text(math.floor(now / 60000))
  if add_to(key, name, 1) == 1 then
    redis.call("PEXPIRE", key, CHARTS_KEPT)
  end
end
