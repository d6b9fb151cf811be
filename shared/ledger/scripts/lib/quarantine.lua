-- The end of a quarantine: an operator has the sign-up delivered, discarded or erased; and its
-- beginning anew, when discarding is undone.
--
-- NEEDS account
-- INCLUDE account settled forms

local function count_of_form(record, by)
  if not record.uncounted then -- else the upgrade from format 1 counts it, and not as quarantined
    count_form(record.form, "quarantined", by)
  end
end

-- Takes the sign-up out of the quarantine and its counts. The caller gives it another state.
local function leave_quarantine(id, record)
  leave_settled("quarantined", id)
  uncount("quarantined")
  count_of_form(record, -1)
end

-- Puts the sign-up back, quarantined since `at` (a text).
local function join_quarantine(id, record, at)
  join_settled("quarantined", id, record.received_at, at)
  recount("quarantined")
  count_of_form(record, 1)
end
