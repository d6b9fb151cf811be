-- Releases an account for an operator: `paused` ends, every other hold is probed at once.
--
-- KEY account  prefix of the account's keys
-- INCLUDE clock holds
--
-- Returns a flat list of the reasons of the holds before: the account's and its API key's.

local before = {}
each_hold(function(prefix, reason, hold)
  before[#before + 1] = reason
  if reason == "paused" then
    end_hold(prefix, reason)
  else
    hold.probe_at = now
    save_hold(prefix, reason, hold)
  end
end)
return before
