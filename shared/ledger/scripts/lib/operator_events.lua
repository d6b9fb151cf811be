-- What an operator did with a sign-up, in its history.
--
-- NEEDS account
-- INCLUDE clock record

-- Adds the event, by Redis' clock. Of a dead letter that changes, it keeps since when it was one,
-- and why. So call it before the change.
local function remember_event(record, event)
  local was_dead = record.state == "dead"
  event.at = now
  event.died_at, event.was = was_dead and record.settled_at or nil, was_dead and record.reason or nil
  remember(record, cjson.encode(event))
end
