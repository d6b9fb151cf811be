-- Figures by slots of time, which the console draws: a hash, slot -> JSON list of the figures in
-- the order of COUNTED. A slot of all accounts together has one more: the most that was due.
--
-- LIMIT CHARTS_KEPT  milliseconds
-- INCLUDE clock stored

local COUNTED =
  { "accepted", "delivered", "retried", "dead", "quarantined", "refused", "calls", "call_ms" }
local MINUTE = 60000
local this_minute = math.floor(now / MINUTE)

local function no_figures()
  local none = {}
  for i = 1, #COUNTED do
    none[i] = 0
  end
  return none
end

local function add_figures(sums, more)
  for i = 1, #COUNTED do
    sums[i] = sums[i] + tonumber(more[i] or 0)
  end
end

-- Returns what was counted of an account in this minute, or nil if nothing was.
local function figures_of(of, minute)
  local stored = redis.call("HMGET", of .. "stats:" .. text(minute), unpack(COUNTED))
  for i = 1, #COUNTED do
    if stored[i] then
      return stored
    end
  end
end

local function counted_anything(of, first, last)
  local minutes = {}
  for minute = first, last do
    minutes[#minutes + 1] = of .. "stats:" .. text(minute)
  end
  return redis.call("EXISTS", unpack(minutes)) > 0
end

-- Calls visit(minute, figures) for each of these minutes in which an account counted something. Most
-- accounts are idle for hours, of which one look tells.
local function each_counted(of, from, to, visit)
  for first = from, to, 60 do
    local last = math.min(to, first + 59)
    if last < first + 2 or counted_anything(of, first, last) then
      for minute = first, last do
        local figures = figures_of(of, minute)
        if figures then
          visit(minute, figures)
        end
      end
    end
  end
end

-- Returns the first minute of an account that is in no slot yet. All before `rolled_to` are. The
-- second result tells whether Redis' clock was ahead when the account was last rolled up.
local function next_minute(of, rolled_to)
  local own = tonumber(redis.call("HGET", of .. "days", "rolled_to") or 0)
  local oldest = this_minute - CHARTS_KEPT / MINUTE
  return math.min(this_minute, math.max(own, rolled_to, oldest)), own > this_minute
end

local function read_slot(key, slot)
  return decoded(redis.call("HGET", key, text(slot)) or "") or {}
end

-- Forgets what is too old, also of a clock that was ahead.
local function forget_slots(key, minutes, kept)
  local current = math.floor(this_minute / minutes)
  for _, field in ipairs(redis.call("HKEYS", key)) do
    local slot = string.match(field, "^%d+$")
    if slot and math.abs(current - tonumber(slot)) >= kept then
      redis.call("HDEL", key, field)
    end
  end
end

-- Calls change(figures) for a slot, which has so many `minutes`; for none that is too old.
local function change_slot(key, slot, minutes, kept, change)
  if math.floor(this_minute / minutes) - slot >= kept then
    return
  end
  local stored, figures = read_slot(key, slot), no_figures()
  add_figures(figures, stored)
  figures[#COUNTED + 1] = stored[#COUNTED + 1]
  change(figures)
  if redis.call("HSET", key, text(slot), cjson.encode(figures)) == 1 then
    forget_slots(key, minutes, kept)
  end
end

-- Adds to the figures of the slot of `minutes` in which the minute is, in a table.
local function gather(by_slot, minute, minutes, figures)
  local slot = math.floor(minute / minutes)
  by_slot[slot] = by_slot[slot] or no_figures()
  add_figures(by_slot[slot], figures)
end

-- Adds what was gathered to the stored slots.
local function add_to_slots(key, by_slot, minutes, kept)
  for slot, figures in pairs(by_slot) do
    change_slot(key, slot, minutes, kept, function(sums)
      add_figures(sums, figures)
    end)
  end
end
