-- Gives out what an alert service is next to be told of an account's dead letters, to one caller
-- alone: the first of a reason at once, more of them gathered, and that none is left.
--
-- KEYS[1] -> relay:alerts:dead-letters; KEYS[2] and on -> relay:{A}: of each account
-- ARGV[1] -> JSON list of the accounts' names; ARGV[2] -> of the services'; ARGV[3] -> of all
-- reasons
-- ARGV[4] -> ms for which more are gathered after a service was told of some
-- ARGV[5] -> ms for which none must have been left before that is told
-- ARGV[6] -> ms within which the caller says how telling ended; after that another may try
--
-- Returns JSON: account, service, event ("first", "more" or "over"), number, and counts, reason
-- -> how many the service has not been told of; or "" when nothing is to be told.
--@include _clock
local ALERTS = KEYS[1]
local names, services = cjson.decode(ARGV[1]), cjson.decode(ARGV[2])
local reasons = cjson.decode(ARGV[3])
local gather, gone, lease = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
-- What dies within this same millisecond is left for the next look.
local up_to = now - 1

-- Returns how many died, by reason, that the service does not know of; their sum, and whether
-- there is a reason among them that it has not been told of.
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
    return first and "first" or now - service.told_at >= gather and "more"
  end
  return alert.none_since and service.told_at and now - alert.none_since >= gone and "over"
end

local function claim(alert, account, name, event, counts)
  local service = alert.services[name]
  local known = service.known or {}
  for reason in pairs(counts) do
    known[reason] = true
  end
  service.becomes = { up_to = up_to, known = known }
  service.claimed_until = now + lease
  service.number = redis.call("HINCRBY", ALERTS, "given", 1)
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

for i, account in ipairs(names) do
  local key, prefix = "dead:" .. account, KEYS[i + 1]
  local stored = redis.call("HGET", ALERTS, key)
  local left = redis.call("ZCARD", prefix .. "dead")
  if stored or left > 0 then
    local alert = stored and cjson.decode(stored) or { services = {} }
    alert.none_since = left == 0 and (alert.none_since or now) or nil
    local telling = notification_of(alert, account, prefix)
    redis.call("HSET", ALERTS, key, cjson.encode(alert))
    if telling then
      return telling
    end
  end
end
return ""
