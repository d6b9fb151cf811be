-- The end of a quarantine: an operator has the sign-up delivered, discarded or erased.
--
-- NEEDS account
-- INCLUDE account forms

-- Takes the sign-up out of the quarantine and its counts. The caller gives it another state.
local function leave_quarantine(id, record)
  redis.call("ZREM", account .. "quarantined", id)
  count("quarantined", -1)
  if not record.uncounted then -- else the upgrade from format 1 counts it, and not as quarantined
    count_form(record.form, "quarantined", -1)
  end
end
