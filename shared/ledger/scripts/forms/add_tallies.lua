-- Adds what a web process has counted for its forms since its last flush: refusals, sign-ups, and
-- fields that arrived and were not sent. Safe to repeat. A form that is gone is passed over.
--
-- KEY forms  relay:forms
-- KEY refusals  relay:refusals:, which a form's name follows
-- KEY arrivals  relay:arrivals:, which a form's name follows
-- KEY unsent  relay:unsent-fields:, which a form's name follows
-- KEY last_accepted  relay:last-accepted
-- KEY flushed  relay:flushed:<process>
-- ARG number  number  of this flush of the process
-- ARG tallies  json  list: form, account (prefix of its keys), refused (code -> count), faults (how
--                    many may be the form's own), the streak of those since the process accepted a
--                    sign-up and of those that a visitor could mend (code -> count), of these
--                    mendable (<code>:<field> -> count), streak_count, streak_began_ago and
--                    streak_went_on_ago (ms), last (list of ms ago and refusal as JSON, oldest
--                    first), unsent (name -> count), accepted_ago (ms since the last sign-up was
--                    accepted; -1 when none was since the last flush), passed and screened (how
--                    many sign-ups were accepted, clean ones and those quarantined at once)
-- LIMIT FLUSH_REMEMBERED  milliseconds
-- LIMIT MOST_KEPT_REFUSALS  number
-- LIMIT MOST_UNSENT_FIELDS  number
-- LIMIT SLOTS_OF_AN_HOUR  number
-- LIMIT REMEMBERED_DAYS  number
-- LIMIT ARRIVAL_DAYS  number
-- LIMIT CHARTS_KEPT  milliseconds
-- INCLUDE clock stored hour
--
-- Returns 1, or 0 when this flush was added before.

if tonumber(redis.call("GET", flushed) or 0) >= number then
  return 0
end

-- How many sign-ups the form has accepted, without those that were quarantined: robots come when
-- nobody else can. Never falls.
local function passed(tally)
  local counts = tally.account .. "forms"
  local stored =
    redis.call("HMGET", counts, "accepted:" .. tally.form, "screened:" .. tally.form)
  return text(tonumber(stored[1] or 0) - tonumber(stored[2] or 0))
end

-- A streak has the refusals since the last accepted sign-up. Returns its length.
local function add_to_streak(tally)
  local key = refusals .. tally.form .. ":streak"
  local before = passed(tally)
  if redis.call("HGET", key, "passed") ~= before then
    redis.call("DEL", key)
    redis.call("HSET", key, "passed", before, "since", text(now - tally.streak_began_ago))
  end
  redis.call("HSET", key, "last", text(now - tally.streak_went_on_ago))
  for code, times in pairs(tally.streak) do
    add_to(key, "code:" .. code, times)
  end
  for name, times in pairs(tally.mendable) do
    add_to(key, "mendable:" .. name, times)
  end
  return add_to(key, "count", tally.streak_count)
end

-- Forgets old slots and days. Returns how many were refused in the last hour.
local function tidy(key, slot, day)
  local hour = 0
  local fields = redis.call("HGETALL", key)
  for i = 1, #fields, 2 do
    local kind, place = string.match(fields[i], "^(%a+):(%d+)$")
    local of_slot = kind == "refused" or kind == "passed"
    local newest, kept = day, REMEMBERED_DAYS
    if of_slot then
      newest, kept = slot, SLOTS_OF_AN_HOUR
    end
    place = tonumber(place or 0) -- a name of another kind goes, too
    if place <= newest - kept or place > newest then
      redis.call("HDEL", key, fields[i])
    elseif kind == "refused" then
      hour = hour + tonumber(fields[i + 1])
    end
  end
  return hour
end

local function raise(key, name, value)
  if value > tonumber(redis.call("HGET", key, name) or 0) then
    redis.call("HSET", key, name, value)
  end
end

-- The slots of the last hour tell what is unusual now, the days what is usual.
local function add_to_recent(tally, streak)
  local key = refusals .. tally.form .. ":recent"
  local slot, day = this_slot, math.floor(now / DAY)
  add_to(key, "refused:" .. text(slot), tally.faults)
  redis.call("HSETNX", key, "passed:" .. text(slot), passed(tally))
  raise(key, "hour:" .. text(day), tidy(key, slot, day))
  raise(key, "streak:" .. text(day), streak)
end

-- Counts refused sign-ups for the console's charts.
local function chart(tally, times)
  local key = tally.account .. "stats:" .. text(math.floor(now / 60000))
  if add_to(key, "refused", times) == times then
    redis.call("PEXPIRE", key, CHARTS_KEPT)
  end
end

local function add_refusals(tally)
  local key, all = refusals .. tally.form, 0
  for code, times in pairs(tally.refused) do
    add_to(key, code, times)
    if code ~= "not_shown" then -- a page that wants to show the form sends no sign-up
      all = all + times
    end
  end
  if all > 0 then
    chart(tally, all)
  end
  for _, kept in ipairs(tally.last) do
    redis.call("LPUSH", key .. ":last", text(now - kept[1]) .. " " .. kept[2])
  end
  redis.call("LTRIM", key .. ":last", 0, MOST_KEPT_REFUSALS - 1)
  if tally.faults + tally.streak_count > 0 then
    add_to_recent(tally, tally.streak_count > 0 and add_to_streak(tally) or 0)
  end
end

-- Makes room for another name: a field of the page comes again and again, one that somebody made
-- up does not.
local function drop_rarest(key)
  local rarest, fewest
  local fields = redis.call("HGETALL", key)
  for i = 1, #fields, 2 do
    local times = tonumber(fields[i + 1])
    if not fewest or times < fewest then
      rarest, fewest = fields[i], times
    end
  end
  redis.call("HDEL", key, rarest)
end

local function add_unsent(tally)
  local key = unsent .. tally.form
  for name, times in pairs(tally.unsent) do
    local is_new = redis.call("HEXISTS", key, name) == 0
    if is_new and redis.call("HLEN", key) >= MOST_UNSENT_FIELDS then
      drop_rarest(key)
    end
    add_to(key, name, times)
  end
end

-- Forgets the slots that are too old.
local function tidy_slots(key)
  for _, field in ipairs(redis.call("HKEYS", key)) do
    local slot = tonumber(string.match(field, "^%a+:(%d+)$"))
    if slot and (slot <= this_slot - SLOTS_OF_AN_HOUR or slot > this_slot) then
      redis.call("HDEL", key, field)
    end
  end
end

-- Keeps the busiest hours of a day that is over.
local function keep_day(key, day, busiest, most, today)
  redis.call("HSET", key .. ":days", day, busiest .. " " .. most)
  for _, kept in ipairs(redis.call("HKEYS", key .. ":days")) do
    local age = today - (tonumber(kept) or 0)
    if age >= ARRIVAL_DAYS or age <= 0 then
      redis.call("HDEL", key .. ":days", kept)
    end
  end
end

-- Notes how many passed and were screened in the last hour, if this day had no busier one.
local function note_hour(key, passed_now, screened_now)
  local today = math.floor(now / DAY)
  local day, busiest, most = unpack(redis.call("HMGET", key, "day", "busiest", "most"))
  if tonumber(day or 0) ~= today then
    if day then
      keep_day(key, day, busiest or 0, most or 0, today)
    end
    busiest, most = 0, 0
  end
  busiest = math.max(passed_now, tonumber(busiest or 0))
  most = math.max(screened_now, tonumber(most or 0))
  redis.call("HSET", key, "day", text(today), "busiest", text(busiest), "most", text(most))
end

-- What was screened since the last one that passed is a streak.
local function note_streak(key, tally)
  if tally.passed > 0 then
    redis.call("HDEL", key, "streak", "streak_since")
  else
    redis.call("HSETNX", key, "streak_since", text(now))
    add_to(key, "streak", tally.screened)
  end
end

-- The slots of the last hour tell what comes now, the busiest hours of the days what is usual.
local function add_arrivals(tally)
  if tally.passed + tally.screened == 0 then
    return
  end
  local key, slot = arrivals .. tally.form, text(this_slot)
  local is_new_slot = add_to(key, "passed:" .. slot, tally.passed) == tally.passed
  add_to(key, "screened:" .. slot, tally.screened)
  note_hour(key, sum_of_hour(key, "passed:"), sum_of_hour(key, "screened:"))
  note_streak(key, tally)
  if is_new_slot then
    tidy_slots(key)
  end
end

local function note_accepted(tally)
  if tally.accepted_ago >= 0 then
    raise(last_accepted, tally.form, now - tally.accepted_ago)
  end
end

redis.call("SET", flushed, text(number), "PX", text(FLUSH_REMEMBERED))
for _, tally in ipairs(tallies) do
  if redis.call("HEXISTS", forms, tally.form) == 1 then
    add_refusals(tally)
    add_arrivals(tally)
    add_unsent(tally)
    note_accepted(tally)
  end
end
return 1
