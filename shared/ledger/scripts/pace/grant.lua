-- Reserves the next slot of an API key for a call that is not a delivery. The slot may lie further
-- ahead than a delivery's, so that such calls cannot be starved. They may use the whole day's
-- quota.
--
-- KEY api_key  prefix of the API key's keys
-- ARG requests_per_second  number  what the API key allows
-- ARG requests_per_day  number  what the API key allows
-- LIMIT LONGEST_GRANT  microseconds
-- INCLUDE clock pace
--
-- Returns {"slot", us until it}, {"spent"} when the day's quota is, or {"resting", ms} when the
-- next slot is too far away; nothing is reserved then.

if used_today() >= requests_per_day then
  return { "spent" }
end
local slot, spacing = next_slot(requests_per_second, now_us)
if slot > now_us + LONGEST_GRANT then
  return { "resting", math.ceil((slot - now_us) / 1000) }
end
take_slot(slot, spacing)
return { "slot", slot - now_us }
