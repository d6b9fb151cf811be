-- Writes down which troubles a look has found, and gives out the next thing that an alert
-- service is to be told of, to one caller alone.
--
-- KEYS[1] -> relay:alerts
-- ARGV[1] -> when the look began, ms
-- ARGV[2] -> JSON list of what stands: key, over, account (if any), since (ms, if known)
-- ARGV[3] -> JSON list of the services' names
-- ARGV[4] -> ms for which a trouble must have stood, or been gone, before it is told of
-- ARGV[5] -> ms between reminders
-- ARGV[6] -> ms within which the caller says how telling ended; after that another may try
--
-- Returns JSON: key, service, event ("begun", "reminder" or "over"), number, begun_at, ended_at
-- (if over), over, account (if any); or "" when there is nothing to tell.
--@include _clock
local ALERTS = KEYS[1]
local taken_at = tonumber(ARGV[1])
local services = cjson.decode(ARGV[3])
local stood, remind, lease = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

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

-- Claims the first thing to tell of this alert, if there is one.
local function claim(key, alert)
  for _, name in ipairs(services) do
    local service = alert.services[name] or {}
    local event = event_for(alert, service.told_at)
    if event and math.max(service.claimed_until or 0, service.retry_at or 0) <= now then
      service.claimed_until = now + lease
      service.number = redis.call("HINCRBY", ALERTS, "given", 1)
      alert.services[name] = service
      save(key, alert)
      return cjson.encode({
        key = key,
        service = name,
        event = event,
        number = text(service.number),
        begun_at = alert.begun_at,
        ended_at = alert.ended_at,
        over = alert.over,
        account = alert.account,
      })
    end
  end
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

local stands = {}
for _, trouble in ipairs(cjson.decode(ARGV[2])) do
  stands[trouble.key] = true
  local alert = read(trouble.key) or { services = {} }
  if not alert.begun_at or has_ended(alert) then
    alert.begun_at = trouble.since or now
  end
  alert.ended_at, alert.over, alert.account = nil, trouble.over, trouble.account
  local telling = claim(trouble.key, alert)
  if telling then
    return telling
  end
  save(trouble.key, alert)
end

for _, key in ipairs(redis.call("HKEYS", ALERTS)) do
  if key ~= "looked_at" and key ~= "given" and not stands[key] then
    local alert = read(key)
    alert.ended_at = alert.ended_at or now
    local telling = claim(key, alert)
    if telling then
      return telling
    elseif is_awaited(alert) then
      save(key, alert)
    else
      redis.call("HDEL", ALERTS, key)
    end
  end
end
return ""
