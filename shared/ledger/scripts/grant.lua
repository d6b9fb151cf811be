-- Reserves the next slot of an API key for a call that is not a delivery, up to ten seconds
-- ahead, so that such calls cannot be starved. They may use the whole day's quota.
--
-- KEYS[1] -> relay:{key}:
-- ARGV[1] -> requests per second, ARGV[2] -> requests per day
--
-- Returns {"slot", us until it}, {"spent"} when the day's quota is, or {"resting", ms} when the
-- next slot is too far away; nothing is reserved then.
--@include _clock
local K = KEYS[1]
--@include _pace
if used_today() >= tonumber(ARGV[2]) then
  return { "spent" }
end
local spacing = spacing_us(tonumber(ARGV[1]))
local slot = next_slot(spacing, now_us)
if slot > now_us + LONGEST_GRANT then
  return { "resting", math.ceil((slot - now_us) / 1000) }
end
take_slot(slot, spacing)
return { "slot", slot - now_us }
