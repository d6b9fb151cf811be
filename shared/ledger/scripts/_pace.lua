-- The pace of one API key (K): evenly spaced slots for all workers on all machines, and the
-- count of what was granted this UTC day. Evenly spaced means safe under a rolling and a fixed
-- one-second window alike. K, now_us and text must be defined before.

-- Slots lie 2.5 % further apart than the rate allows: 25 ms in every second, for requests that
-- start late (SLOT_LIFE in worker/delivery/lane.py) and for a network that delays some more.
local MARGIN = 1.025
-- After a 429 the API's own count is evidently ahead of ours: go slower for a while.
local SLOWED = 1.25

-- Nothing is granted further ahead than LONGEST_GRANT, nor put off longer than LONGEST_REST. A
-- time beyond that was written before Redis' clock went back, and means nothing any more.
local LONGEST_GRANT = 10000000
local LONGEST_REST = 3600000000

local function unless_beyond(reach, time)
  time = tonumber(time or 0)
  return time <= now_us + reach and time or 0
end

local function spacing_us(rate)
  local slow_until = redis.call("HGET", K .. "pace", "slow_until")
  local slowed = unless_beyond(2 * LONGEST_REST, slow_until) > now_us
  return math.ceil(1000000 / rate * MARGIN * (slowed and SLOWED or 1))
end

-- Returns when the next free slot begins, in microseconds, never before `earliest`.
local function next_slot(spacing, earliest)
  local pace = redis.call("HMGET", K .. "pace", "next", "rest_until")
  local free = unless_beyond(LONGEST_GRANT + spacing, pace[1])
  return math.max(earliest, free, unless_beyond(LONGEST_REST, pace[2]))
end

-- Returns today's UTC date. Redis' Lua has no os.date; the arithmetic is that of
-- https://howardhinnant.github.io/date_algorithms.html#civil_from_days
local function utc_date()
  local days = math.floor(now_us / 86400000000) + 719468
  local era = math.floor(days / 146097)
  local of_era = days - era * 146097
  local year = math.floor(
    (of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524) - math.floor(of_era / 146096))
      / 365
  )
  local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local shifted = math.floor((5 * of_year + 2) / 153) -- months counted from March
  local day = of_year - math.floor((153 * shifted + 2) / 5) + 1
  local month = shifted < 10 and shifted + 3 or shifted - 9
  return string.format("%04d-%02d-%02d", year + era * 400 + (month <= 2 and 1 or 0), month, day)
end

local function quota_key()
  return K .. "quota:" .. utc_date()
end

local function used_today()
  return tonumber(redis.call("GET", quota_key()) or 0)
end

local function count_call()
  redis.call("INCR", quota_key())
  redis.call("EXPIRE", quota_key(), 259200)
end

local function take_slot(slot, spacing)
  redis.call("HSET", K .. "pace", "next", text(slot + spacing))
  count_call()
end

-- Has no slot begin for `ms`, and the key go slower for `slower_ms` after that.
local function rest(ms, slower_ms)
  local rest_until = now_us + ms * 1000
  local stored = unless_beyond(LONGEST_REST, redis.call("HGET", K .. "pace", "rest_until"))
  redis.call("HSET", K .. "pace", "rest_until", text(math.max(stored, rest_until)))
  if slower_ms > 0 then
    redis.call("HSET", K .. "pace", "slow_until", text(rest_until + slower_ms * 1000))
  end
end
