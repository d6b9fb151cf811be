-- Writes down which troubles a look has found, and gives out the next thing that an alert
-- service is to be told of, to one caller alone. What began (or stands, or ended) of one kind,
-- such as twenty accounts' holds for an outage, is given out together.
--
-- KEYS[1] -> relay:alerts
-- ARGV[1] -> when the look began, ms
-- ARGV[2] -> JSON list of what stands: key ("<kind>" or "<kind>:<of what>"), over, account (if
-- any), since (ms, if known)
-- ARGV[3] -> JSON list of the services' names
-- ARGV[4] -> ms for which a trouble must have stood, or been gone, before it is told of
-- ARGV[5] -> ms between reminders
-- ARGV[6] -> ms within which the caller says how telling ended; after that another may try
-- ARGV[7] -> ms for which more of the same kind is gathered after a service was told of some
--
-- Returns JSON: service, kind, event ("begun", "reminder" or "over"), number, and parts, a list
-- of key, begun_at, ended_at (if over), over, account (if any); or "" when nothing is to be told.
--@include _clock
local ALERTS = KEYS[1]
local taken_at = tonumber(ARGV[1])
local services = cjson.decode(ARGV[3])
local stood, remind, lease, gather =
  tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

-- A look that was overtaken by a newer one knows nothing any more. A time that lies ahead
-- means that the clock was set back.
local looked_at = tonumber(redis.call("HGET", ALERTS, "looked_at") or 0)
if taken_at < looked_at and looked_at <= now then
  return ""
end
-- Rounded to milliseconds, a look that began just now may seem to lie ahead.
redis.call("HSET", ALERTS, "looked_at", text(math.min(taken_at, now)))

local function read(key)
  local stored = redis.call("HGET", ALERTS, key)
  return stored and cjson.decode(stored)
end

local function save(key, alert)
  redis.call("HSET", ALERTS, key, cjson.encode(alert))
end

-- A trouble that comes back before anybody would be told of its end never ended.
local function has_ended(alert)
  return alert.ended_at and now - alert.ended_at >= stood
end

local function event_for(alert, told_at)
  if alert.ended_at then
    return told_at and has_ended(alert) and "over"
  elseif not told_at then
    return now - alert.begun_at >= stood and "begun"
  end
  return now - told_at >= remind and "reminder"
end

-- Every trouble that is known of, as it is after this look: those that stand come first.
local alerts, order = {}, {}
for _, trouble in ipairs(cjson.decode(ARGV[2])) do
  local alert = read(trouble.key) or { services = {} }
  if not alert.begun_at or has_ended(alert) then
    alert.begun_at = trouble.since or now
  end
  alert.ended_at, alert.over, alert.account = nil, trouble.over, trouble.account
  alerts[trouble.key], order[#order + 1] = alert, trouble.key
end
for _, key in ipairs(redis.call("HKEYS", ALERTS)) do
  if key ~= "looked_at" and key ~= "given" and key ~= "gathering" and not alerts[key] then
    local alert = read(key)
    alert.ended_at = alert.ended_at or now
    alerts[key], order[#order + 1] = alert, key
  end
end

-- Returns what the service is to be told of this trouble now, if anything.
local function tellable(alert, name)
  local service = alert.services[name] or {}
  local free = math.max(service.claimed_until or 0, service.retry_at or 0) <= now
  return free and event_for(alert, service.told_at)
end

-- Until when more is gathered, by "<service> <kind> <event>".
local gathering = read("gathering") or {}
for what, ends_at in pairs(gathering) do
  if ends_at <= now or ends_at > now + math.max(gather, lease) then -- the clock was set back
    gathering[what] = nil
  end
end

local function kind_of(key)
  return string.match(key, "^[^:]*")
end

-- Claims all that the service is to be told of this kind with this event.
local function claim(name, kind, event)
  local number = redis.call("HINCRBY", ALERTS, "given", 1)
  local parts = {}
  for _, key in ipairs(order) do
    local alert = alerts[key]
    if kind_of(key) == kind and tellable(alert, name) == event then
      local service = alert.services[name] or {}
      service.claimed_until, service.number = now + lease, number
      alert.services[name] = service
      parts[#parts + 1] = {
        key = key,
        begun_at = alert.begun_at,
        ended_at = alert.ended_at,
        over = alert.over,
        account = alert.account,
      }
    end
  end
  gathering[name .. " " .. kind .. " " .. event] = now + lease
  return cjson.encode({
    service = name,
    kind = kind,
    event = event,
    number = text(number),
    parts = parts,
  })
end

local function next_notification()
  for _, name in ipairs(services) do
    for _, key in ipairs(order) do
      local event = tellable(alerts[key], name)
      if event and not gathering[name .. " " .. kind_of(key) .. " " .. event] then
        return claim(name, kind_of(key), event)
      end
    end
  end
  return ""
end

-- Whether a service still waits to hear that it is over, or is just hearing that it began.
local function is_awaited(alert)
  for _, name in ipairs(services) do
    local service = alert.services[name]
    if service and (service.told_at or (service.claimed_until or 0) > now) then
      return true
    end
  end
  return false
end

local telling = next_notification()
for key, alert in pairs(alerts) do
  if alert.ended_at and not is_awaited(alert) then
    redis.call("HDEL", ALERTS, key)
  else
    save(key, alert)
  end
end
save("gathering", gathering)
return telling
