-- Adds what was counted in whole minutes to the slots of time: the account's days, and the minutes,
-- quarter hours and days of all accounts together. Safe to repeat, in any number of processes, as an
-- account notes in the same script how far it has come.
--
-- KEY of_minutes  relay:stats:minutes
-- KEY of_quarters  relay:stats:quarters
-- KEY of_days  relay:stats:days
-- ARG accounts  json  list of the prefixes of their keys
-- ARG rolled_to  number  all of their minutes before this one are in their slots
-- ARG most  number  of minutes of each account
-- LIMIT CHARTED_MINUTES  number
-- LIMIT CHARTED_QUARTERS  number
-- LIMIT CHARTED_DAYS  number
-- INCLUDE clock chart_slots
--
-- Returns {how much of theirs is due now; 1 when whole minutes are left, else 0}.

local minutes, quarters, days = {}, {}, {}
local due, left = 0, false

local function roll_up(of)
  local from, was_ahead = next_minute(of, rolled_to)
  local to = math.min(this_minute, from + most)
  local own_days, moved = {}, was_ahead or to < this_minute
  each_counted(of, from, to - 1, function(minute, figures)
    gather(own_days, minute, 1440, figures)
    gather(minutes, minute, 1, figures)
    moved = true
  end)
  add_to_slots(of .. "days", own_days, 1440, CHARTED_DAYS)
  if moved then -- an idle account writes nothing
    redis.call("HSET", of .. "days", "rolled_to", text(to))
  end
  left = left or to < this_minute
end

for _, each in ipairs(accounts) do
  roll_up(each)
  due = due + tonumber(redis.call("HGET", each .. "totals", "due") or 0)
end
for minute, figures in pairs(minutes) do
  gather(quarters, minute, 15, figures)
  gather(days, minute, 1440, figures)
end
add_to_slots(of_minutes, minutes, 1, CHARTED_MINUTES)
add_to_slots(of_quarters, quarters, 15, CHARTED_QUARTERS)
add_to_slots(of_days, days, 1440, CHARTED_DAYS)
return { due, left and 1 or 0 }
