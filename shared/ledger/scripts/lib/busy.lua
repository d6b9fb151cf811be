-- The busy accounts are those with something due, now or later, and those whose jobs go on.
-- Workers look at these alone, so an idle account costs nothing.

local BUSY = "relay:busy"

-- A step that gives an account something to do calls this in the same script.
local function note_busy(of)
  redis.call("SADD", BUSY, of)
end

-- While workers count as notified, accepting a sign-up does not note the account again.
local function is_busy(of)
  return redis.call(
    "EXISTS",
    of .. "due:fresh", of .. "due:retry", of .. "due:replay", of .. "replaying", of .. "stepping",
    of .. "nudged"
  ) > 0
end
