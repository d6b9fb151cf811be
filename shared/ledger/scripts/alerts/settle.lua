-- Writes down how a notification of an alert service ended: the service knows now, or it is
-- notified later, after a pause that doubles.
--
-- KEY alerts  relay:alerts, or relay:alerts:dead-letters
-- ARG about  json  list of keys, as alerts/next or alerts/next_dead_letters gave them out
-- ARG name  text  of the service
-- ARG event  text  of the notification
-- ARG number  text  of the notification
-- ARG notified  flag  whether the service was notified
-- ARG pause  milliseconds  the first time to wait before another try
-- ARG longest_pause  milliseconds  the longest time to wait before another try
-- ARG gather  milliseconds  how long more of the same kind is gathered from now on
-- INCLUDE clock stored
--
-- Returns 1, or 0 when the right to notify had run out and somebody else has it or had it.

local function note(alert, service)
  if not notified then
    service.claimed_until, service.number = nil, nil
    service.failures = (service.failures or 0) + 1
    local wait = pause * 2 ^ math.min(service.failures - 1, 30)
    service.retry_at = now + math.min(longest_pause, wait)
  elseif event == "over" then
    alert.services[name] = nil
  else
    alert.services[name] = service.becomes or {}
    alert.services[name].told_at = now
  end
end

local noted = 0
for _, key in ipairs(about) do
  local stored = redis.call("HGET", alerts, key)
  local alert = stored and decoded(stored)
  local service = alert and type(alert.services) == "table" and alert.services[name]
  if service and service.number and text(service.number) == number then
    note(alert, service)
    redis.call("HSET", alerts, key, cjson.encode(alert))
    noted = 1
  end
end

local gathering = redis.call("HGET", alerts, "gathering")
if noted == 1 and gathering then
  local kind = string.match(about[1], "^[^:]*")
  gathering = decoded(gathering) or {}
  -- Nothing waits for a notification that failed.
  gathering[name .. " " .. kind .. " " .. event] = notified and now + gather or nil
  redis.call("HSET", alerts, "gathering", cjson.encode(gathering))
end
return noted
