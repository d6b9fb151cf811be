-- The pace of one API key: evenly spaced slots for all workers on all machines, and the count of
-- what was granted this UTC day. Even spacing is safe under a rolling and a fixed one-second window
-- alike.
--
-- NEEDS api_key
-- LIMIT SPACING_MARGIN  number
-- LIMIT SPACING_AFTER_429  number
-- LIMIT LONGEST_GRANT  microseconds
-- LIMIT LONGEST_REST  microseconds
-- LIMIT QUOTA_KEPT  milliseconds
-- INCLUDE clock

-- Returns when the next free slot begins, never before `earliest`, and how far from it the following
-- one is; both in microseconds.
local function next_slot(rate, earliest)
  local pace = redis.call("HMGET", api_key .. "pace", "next", "rest_until", "slow_until")
  local slowed = unless_beyond(2 * LONGEST_REST, pace[3]) > now_us
  local spacing = math.ceil(1000000 / rate * SPACING_MARGIN * (slowed and SPACING_AFTER_429 or 1))
  local free = unless_beyond(LONGEST_GRANT + spacing, pace[1])
  return math.max(earliest, free, unless_beyond(LONGEST_REST, pace[2])), spacing
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

local todays_quota -- the key, once it is needed

local function quota_key()
  todays_quota = todays_quota or api_key .. "quota:" .. utc_date()
  return todays_quota
end

local function used_today()
  return tonumber(redis.call("GET", quota_key()) or 0)
end

local function count_call()
  if redis.call("INCR", quota_key()) == 1 then
    redis.call("PEXPIRE", quota_key(), QUOTA_KEPT)
  end
end

local function take_slot(slot, spacing)
  redis.call("HSET", api_key .. "pace", "next", text(slot + spacing))
  count_call()
end
