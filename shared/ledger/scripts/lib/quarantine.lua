-- The end of a quarantine: an operator has the sign-up delivered or discarded.
--
-- NEEDS account
-- INCLUDE account forms

-- Takes the sign-up out of the quarantine and its counts. The caller gives it another state.
local function leave_quarantine(id)
  redis.call("ZREM", account .. "quarantined", id)
  count("quarantined", -1)
  local stored = redis.call("HMGET", signup(id), "form", "counted")
  if stored[2] then -- else the upgrade from format 1 has yet to count it, and not as quarantined
    count_form(stored[1], "quarantined", -1)
  end
end
