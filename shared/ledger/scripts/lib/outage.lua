-- An account is on hold for an outage when the API has failed for several different sign-ups in a
-- row. One sign-up that the API cannot process never stops an account by itself.
--
-- NEEDS account
-- LIMIT FAILURES_IN_A_ROW  number
-- LIMIT FIRST_OUTAGE_PROBE  milliseconds
-- LIMIT LONGEST_OUTAGE_PROBE  milliseconds
-- INCLUDE holds

-- The API accepted something, so the failures before were no outage.
local function end_failures()
  redis.call("DEL", account .. "failing")
end

-- Notes that the API failed for this sign-up. The last of the row begins the hold; every further
-- failure during the hold, probes included, puts the next probe off.
local function note_failure(id, cause)
  if redis.call("HEXISTS", account .. "holds", "outage") == 0 then
    redis.call("SADD", account .. "failing", id)
    if redis.call("SCARD", account .. "failing") < FAILURES_IN_A_ROW then
      return
    end
    end_failures()
  end
  local hold = { by = "answer", note = cause }
  begin_hold(account, "outage", hold, FIRST_OUTAGE_PROBE, LONGEST_OUTAGE_PROBE)
end
