-- Writes down how telling an alert service ended: it knows now, or it is told later, after a
-- pause that doubles.
--
-- KEYS[1] -> relay:alerts
-- ARGV[1] -> key of the trouble; ARGV[2] -> name of the service; ARGV[3] -> event; ARGV[4] ->
-- number, all as alert_next gave them out
-- ARGV[5] -> 1 when the service was told, 0 when it could not be
-- ARGV[6], ARGV[7] -> first and longest ms to wait before it is tried again
--
-- Returns 1, or 0 when that right had run out and somebody else has it or had it.
--@include _clock
local stored = redis.call("HGET", KEYS[1], ARGV[1])
local alert = stored and cjson.decode(stored)
local service = alert and alert.services[ARGV[2]]
if not service or not service.number or text(service.number) ~= ARGV[4] then
  return 0
end
service.claimed_until, service.number = nil, nil
if ARGV[5] == "0" then
  service.failures = (service.failures or 0) + 1
  local pause = tonumber(ARGV[6]) * 2 ^ math.min(service.failures - 1, 30)
  service.retry_at = now + math.min(tonumber(ARGV[7]), pause)
elseif ARGV[3] == "over" then
  alert.services[ARGV[2]] = nil
else
  alert.services[ARGV[2]] = { told_at = now }
end
redis.call("HSET", KEYS[1], ARGV[1], cjson.encode(alert))
return 1
