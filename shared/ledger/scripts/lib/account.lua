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

-- Takes one out of a count, and counts what has left it: the metrics never fall. `part` is the part
-- of the count, if it has some.
local function uncount(name, part)
  count(name, -1)
  add_to(account .. "totals", "left:" .. (part or name), 1)
end

-- Puts one back into the count that it has left: that was undone.
local function recount(name, part)
  count(name, 1)
  add_to(account .. "totals", "left:" .. (part or name), -1)
end

-- Counts events of this minute for the console's charts.
local function chart(name, by)
  local key = account .. "stats:" .. text(math.floor(now / 60000))
  if add_to(key, name, by) == by then
    redis.call("PEXPIRE", key, CHARTS_KEPT)
  end
end
