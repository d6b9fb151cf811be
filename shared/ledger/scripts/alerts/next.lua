-- Writes down which conditions a look has found. Gives out the next notification for an alert
-- service, to one caller alone. Conditions of one kind that began, last or ended are given out
-- together, such as twenty accounts' holds for an outage.
--
-- KEY alerts  relay:alerts
-- ARG taken_at  time  when the look began
-- ARG found  json  list of the active conditions: key ("<kind>" or "<kind>:<of what>"), over,
--                  account (if any), since (ms, if known)
-- ARG services  json  list of the services' names
-- ARG after  milliseconds  how long a condition must have lasted, or been gone, before a
--                          notification
-- ARG remind  milliseconds  between reminders
-- ARG lease  milliseconds  in which the caller reports the outcome; after that another may try
-- ARG gather  milliseconds  how long more of the same kind is gathered after a notification
-- INCLUDE clock stored
--
-- Returns JSON: service, kind, event ("begun", "reminder" or "over"), number, and parts, a list
-- of key, begun_at, ended_at (if over), over, account (if any); or "" when nothing is left.

-- A look that was overtaken by a newer one knows nothing any more. A time that lies ahead
-- means that the clock was set back.
local looked_at = tonumber(redis.call("HGET", alerts, "looked_at") or 0)
if taken_at < looked_at and looked_at <= now then
  return ""
end
-- Rounded to milliseconds, a look that began just now may seem to lie ahead.
redis.call("HSET", alerts, "looked_at", text(math.min(taken_at, now)))

local function read(key)
  local stored = redis.call("HGET", alerts, key)
  return stored and decoded(stored)
end

-- Returns the condition's record; nil also when nobody can read it, so that it begins anew.
local function read_alert(key)
  local alert = read(key)
  local known = alert and type(alert.services) == "table" and type(alert.begun_at) == "number"
  return known and alert or nil
end

local function save(key, alert)
  redis.call("HSET", alerts, key, cjson.encode(alert))
end

-- A condition that comes back before its end would be notified never ended.
local function has_ended(alert)
  return alert.ended_at and now - alert.ended_at >= after
end

local function event_for(alert, notified_at)
  if alert.ended_at then
    return notified_at and has_ended(alert) and "over"
  elseif not notified_at then
    return now - alert.begun_at >= after and "begun"
  end
  return now - notified_at >= remind and "reminder"
end

-- Every known condition, as it is after this look: the active ones come first.
local known, order = {}, {}
for _, condition in ipairs(found) do
  local alert = read_alert(condition.key) or { services = {} }
  if not alert.begun_at or has_ended(alert) then
    alert.begun_at = condition.since or now
  end
  alert.ended_at, alert.over, alert.account = nil, condition.over, condition.account
  known[condition.key], order[#order + 1] = alert, condition.key
end
for _, key in ipairs(redis.call("HKEYS", alerts)) do
  if key ~= "looked_at" and key ~= "given" and key ~= "gathering" and not known[key] then
    local alert = read_alert(key)
    if alert then
      alert.ended_at = alert.ended_at or now
      known[key], order[#order + 1] = alert, key
    end
  end
end

-- Returns the event that the service is to be notified of now, if there is one.
local function pending_event(alert, name)
  local service = alert.services[name] or {}
  local free = math.max(service.claimed_until or 0, service.retry_at or 0) <= now
  return free and event_for(alert, service.told_at)
end

-- Until when more is gathered, by "<service> <kind> <event>".
local gathering = read("gathering") or {}
for what, stored in pairs(gathering) do
  local ends_at = tonumber(stored or 0)
  if ends_at <= now or ends_at > now + math.max(gather, lease) then -- the clock was set back
    gathering[what] = nil
  end
end

local function kind_of(key)
  return string.match(key, "^[^:]*")
end

-- Claims all conditions of this kind that the service is to be notified of with this event.
local function claim(name, kind, event)
  local number = add_to(alerts, "given", 1)
  local parts = {}
  for _, key in ipairs(order) do
    local alert = known[key]
    if kind_of(key) == kind and pending_event(alert, name) == event then
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
      local event = pending_event(known[key], name)
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

local notification = next_notification()
for key, alert in pairs(known) do
  if alert.ended_at and not is_awaited(alert) then
    redis.call("HDEL", alerts, key)
  else
    save(key, alert)
  end
end
save("gathering", gathering)
return notification
