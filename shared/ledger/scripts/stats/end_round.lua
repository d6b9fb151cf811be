-- Notes that all accounts are rolled up to a minute, and how much is due now.
--
-- KEY progress  relay:stats:roll-up
-- KEY of_minutes  relay:stats:minutes
-- KEY of_quarters  relay:stats:quarters
-- KEY of_days  relay:stats:days
-- ARG rolled_to  number  the minute
-- ARG due  number  of all accounts
-- LIMIT CHARTED_MINUTES  number
-- LIMIT CHARTED_QUARTERS  number
-- LIMIT CHARTED_DAYS  number
-- INCLUDE clock chart_slots
--
-- Returns 1.

local before = tonumber(redis.call("HGET", progress, "rolled_to") or 0)
if before < rolled_to or before > this_minute then
  redis.call("HSET", progress, "rolled_to", text(rolled_to))
end

local function note_due(key, minutes, kept)
  change_slot(key, math.floor(this_minute / minutes), minutes, kept, function(figures)
    local most = #COUNTED + 1
    figures[most] = math.max(due, tonumber(figures[most] or 0))
  end)
end

note_due(of_minutes, 1, CHARTED_MINUTES)
note_due(of_quarters, 15, CHARTED_QUARTERS)
note_due(of_days, 1440, CHARTED_DAYS)
return 1
