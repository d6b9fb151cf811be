-- Outages: an account is on hold when the API has failed for three different sign-ups in a row.
-- One sign-up that it cannot stomach never stops an account by itself.

local IN_A_ROW = 3

-- The API took something, so whatever failed before did so for itself.
local function end_failures()
  redis.call("DEL", A .. "failing")
end

-- Notes that the API failed for this sign-up: the third in a row begins the hold, and every
-- further one while it stands, probes included, puts the next probe off.
local function note_failure(id, first_probe, longest_probe, cause)
  if redis.call("HEXISTS", A .. "holds", "outage") == 0 then
    redis.call("SADD", A .. "failing", id)
    if redis.call("SCARD", A .. "failing") < IN_A_ROW then
      return
    end
    end_failures()
  end
  begin_hold(A, "outage", nil, first_probe, longest_probe, "answer", cause)
end
