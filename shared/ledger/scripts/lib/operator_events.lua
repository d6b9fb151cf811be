-- What an operator did with a sign-up, in its history.
--
-- NEEDS account
-- INCLUDE clock record

-- Adds the event, by Redis' clock.
local function remember_event(record, event)
  event.at = now
  remember(record, cjson.encode(event))
end
