-- The last hour is that of the last slots of ten minutes, so that it does not begin anew at every
-- full hour.
--
-- LIMIT REFUSAL_SLOT  milliseconds
-- LIMIT SLOTS_OF_AN_HOUR  number
-- INCLUDE clock

local this_slot = math.floor(now / REFUSAL_SLOT)

-- Returns the sum of what the hash has for the slots of the last hour, in fields with this prefix.
local function sum_of_hour(key, prefix)
  local fields = {}
  for before = 0, SLOTS_OF_AN_HOUR - 1 do
    fields[before + 1] = prefix .. text(this_slot - before)
  end
  local sum = 0
  for _, count in ipairs(redis.call("HMGET", key, unpack(fields))) do
    sum = sum + tonumber(count or 0)
  end
  return sum
end
