-- Gives out the next notification of an account's dead letters for an alert service, to one caller
-- alone: the first of a reason at once, more of them gathered, and that none is left.
--
-- KEY alerts  relay:alerts:dead-letters
-- ARG accounts  json  list of the accounts: name, and prefix of its keys
-- ARG services  json  list of the services' names
-- ARG reasons  json  list of all reasons of dead letters
-- ARG digest  milliseconds  how long more are gathered after a notification
-- ARG after  milliseconds  how long none must have been left before a notification
-- ARG lease  milliseconds  in which the caller reports the outcome; after that another may try
-- INCLUDE clock stored
--
-- Returns JSON: account, service, event ("first", "more" or "over"), number, and counts, reason
-- -> how many the service does not know of; or "" when there is nothing to report.

-- What dies within this same millisecond is left for the next look.
local up_to = now - 1

-- Returns how many died, by reason, that the service does not know of; their sum; and whether one
-- of the reasons is new to it.
local function news(prefix, service)
  local counts, total, first = {}, 0, false
  local from = service.up_to and "(" .. text(service.up_to) or "-inf"
  for _, reason in ipairs(reasons) do
    local count = redis.call("ZCOUNT", prefix .. "dead:" .. reason, from, text(up_to))
    if count > 0 then
      counts[reason], total = count, total + count
      first = first or not (service.known and service.known[reason])
    end
  end
  return counts, total, first
end

local function event_for(alert, service, total, first)
  if total > 0 then
    return first and "first" or now - service.told_at >= digest and "more"
  end
  return alert.none_since and service.told_at and now - alert.none_since >= after and "over"
end

local function claim(alert, account, name, event, counts)
  local service = alert.services[name]
  local known = service.known or {}
  for reason in pairs(counts) do
    known[reason] = true
  end
  service.becomes = { up_to = up_to, known = known }
  service.claimed_until = now + lease
  service.number = add_to(alerts, "given", 1)
  return cjson.encode({
    account = account,
    service = name,
    event = event,
    number = text(service.number),
    counts = counts,
  })
end

local function notification_of(alert, account, prefix)
  for _, name in ipairs(services) do
    local service = alert.services[name] or {}
    alert.services[name] = service
    if math.max(service.claimed_until or 0, service.retry_at or 0) <= now then
      local counts, total, first = news(prefix, service)
      local event = event_for(alert, service, total, first)
      if event then
        return claim(alert, account, name, event, counts)
      end
    end
  end
end

for _, each in ipairs(accounts) do
  local account, prefix = each[1], each[2]
  local key = "dead:" .. account
  local stored = redis.call("HGET", alerts, key)
  local left = redis.call("ZCARD", prefix .. "dead")
  if stored or left > 0 then
    local alert = stored and decoded(stored) or {}
    alert.services = type(alert.services) == "table" and alert.services or {}
    alert.none_since = left == 0 and (alert.none_since or now) or nil
    local notification = notification_of(alert, account, prefix)
    redis.call("HSET", alerts, key, cjson.encode(alert))
    if notification then
      return notification
    end
  end
end
return ""
