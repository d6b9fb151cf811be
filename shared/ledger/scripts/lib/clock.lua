-- Redis' own time is the only clock of the ledger, as the hosts' clocks may differ.

local clock = redis.call("TIME")
local now_us = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local now = math.floor(now_us / 1000) -- milliseconds, as everything in the ledger
local DAY = 86400000

-- Returns the number in digits; Lua would write a large one as 1.7e+12.
local function text(number)
  return string.format("%.0f", number)
end

-- This moment in milliseconds, to the microsecond, so that what is received within one
-- millisecond keeps its order.
local moment = string.format("%.3f", now_us / 1000)

-- Returns the stored time (us), or 0 when it lies further ahead than `reach`. Such a time was
-- written before Redis' clock went back, and means nothing any more.
local function unless_beyond(reach, time)
  time = tonumber(time or 0)
  return time <= now_us + reach and time or 0
end
