--@include _base _holds
-- An operator releases an account: `paused` ends, every other hold is probed at once.
--
-- KEYS[1] -> relay:{A}:
--
-- Returns a flat list of the reasons that stood before: the account's and its API key's.
local stood = {}
each_hold(function(prefix, reason, hold)
  stood[#stood + 1] = reason
  if reason == "paused" then
    end_hold(prefix, reason)
  else
    hold.probe_at = now
    save_hold(prefix, reason, hold)
  end
end)
return stood
