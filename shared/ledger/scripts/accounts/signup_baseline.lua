-- Notes whether sign-ups have come since the last look. Tells how long the account has been
-- without one, and how long it usually is. Safe to repeat, from any number of processes.
--
-- KEY account  prefix of the account's keys
-- LIMIT UNUSUAL_TIMES  number
-- LIMIT UNUSUAL_AT_LEAST  milliseconds
-- LIMIT REMEMBERED_DAYS  number
-- LIMIT NEEDED_DAYS  number
-- LIMIT LONGEST_BETWEEN_LOOKS  milliseconds
-- INCLUDE clock
--
-- Returns {when the last came, ms; the longest usual time without one, ms; after how many ms
-- without one that is unusual, or "" while too little is known}.

local key = account .. "rhythm"

local totals = redis.call("HMGET", account .. "totals", "accepted", "quarantined", "discarded")
local arrived = tonumber(totals[1] or 0) - tonumber(totals[2] or 0) - tonumber(totals[3] or 0)
local stored = redis.call("HMGET", key, "arrived", "last_at", "looked_at")
local last_at = tonumber(stored[2] or now)
local unseen = now - tonumber(stored[3] or now)
if unseen < 0 or unseen > LONGEST_BETWEEN_LOOKS then
  last_at = last_at + unseen -- nobody looked then, or the clock was set by it
end

-- Returns the longest time, and the time that would be unusual, if enough is known.
local function usual()
  local longest, known = 0, 0
  local fields = redis.call("HGETALL", key)
  for i = 1, #fields, 2 do
    if string.find(fields[i], "^day:") then
      longest, known = math.max(longest, tonumber(fields[i + 1])), known + 1
    end
  end
  local limit = math.max(UNUSUAL_AT_LEAST, UNUSUAL_TIMES * longest)
  return longest, known >= NEEDED_DAYS and limit or nil
end

local function remember(gap)
  local today = math.floor(now / DAY)
  local field = "day:" .. text(today)
  local longest = tonumber(redis.call("HGET", key, field) or 0)
  redis.call("HSET", key, field, text(math.max(longest, gap)))
  for _, name in ipairs(redis.call("HKEYS", key)) do
    local day = tonumber(string.match(name, "^day:(%d+)$"))
    if day and day <= today - REMEMBERED_DAYS then
      redis.call("HDEL", key, name)
    end
  end
end

if arrived > tonumber(stored[1] or arrived) then
  local _, limit = usual()
  local gap = math.max(0, now - last_at)
  if not limit or gap < limit then -- what was unusual must not become usual
    remember(gap)
  end
  last_at = now
end
redis.call(
  "HSET", key, "arrived", text(arrived), "last_at", text(last_at), "looked_at", text(now)
)
local longest, limit = usual()
return { text(last_at), text(longest), limit and text(limit) or "" }
