-- Writes down how telling an alert service ended: it knows now, or it is told later, after a
-- pause that doubles.
--
-- KEYS[1] -> relay:alerts, or relay:alerts:dead-letters
-- ARGV[1] -> JSON list of keys; ARGV[2] -> name of the service; ARGV[3] -> event; ARGV[4] ->
-- number, all as alert_next or alert_dead_letters gave them out
-- ARGV[5] -> 1 when the service was told, 0 when it could not be
-- ARGV[6], ARGV[7] -> first and longest ms to wait before it is tried again
-- ARGV[8] -> ms for which more of the same kind is gathered from now on
--
-- Returns 1, or 0 when that right had run out and somebody else has it or had it.
--@include _clock
local ALERTS, name, event, told = KEYS[1], ARGV[2], ARGV[3], ARGV[5] == "1"

local function note(alert, service)
  if not told then
    service.claimed_until, service.number = nil, nil
    service.failures = (service.failures or 0) + 1
    local pause = tonumber(ARGV[6]) * 2 ^ math.min(service.failures - 1, 30)
    service.retry_at = now + math.min(tonumber(ARGV[7]), pause)
  elseif event == "over" then
    alert.services[name] = nil
  else
    alert.services[name] = service.becomes or {}
    alert.services[name].told_at = now
  end
end

local noted = 0
for _, key in ipairs(cjson.decode(ARGV[1])) do
  local stored = redis.call("HGET", ALERTS, key)
  local alert = stored and cjson.decode(stored)
  local service = alert and alert.services[name]
  if service and service.number and text(service.number) == ARGV[4] then
    note(alert, service)
    redis.call("HSET", ALERTS, key, cjson.encode(alert))
    noted = 1
  end
end

local gathering = redis.call("HGET", ALERTS, "gathering")
if noted == 1 and gathering then
  local kind = string.match(cjson.decode(ARGV[1])[1], "^[^:]*")
  gathering = cjson.decode(gathering)
  -- What could not be told is no reason for anything to wait.
  gathering[name .. " " .. kind .. " " .. event] = told and now + tonumber(ARGV[8]) or nil
  redis.call("HSET", ALERTS, "gathering", cjson.encode(gathering))
end
return noted
