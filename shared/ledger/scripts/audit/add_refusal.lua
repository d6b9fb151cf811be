-- Adds a refused sign-in to the audit trail. Anybody can have sign-ins refused, so those of one
-- network within a minute, for one name and of one cause, are one entry, and a day has so many
-- entries at most. One that had too many tries needs no entry beside those of its tries.
--
-- KEY trail  relay:audit
-- KEY refused  relay:audit-refused, or relay:audit-refused-codes
-- ARG entry  text  the entry as JSON, without its time
-- ARG overflow  text  the entry for when the day has no room for more
-- LIMIT MOST_REFUSALS_AUDITED  number
-- INCLUDE clock stored
--
-- Returns 1.

local new = cjson.decode(entry)

local function network(of)
  return of.detail.network or of.address
end

local function is_same(found)
  if found.action ~= new.action or type(found.detail) ~= "table" then
    return false
  end
  if network(found) ~= network(new) then
    return false
  end
  local cause, its = new.detail.cause, found.detail.cause
  if cause == "too_many_tries" then
    return its == cause or its == "wrong_password"
  end
  return its == cause and found.target == new.target
end

local since = text(now - now % 60000)
local latest = redis.call("ZRANGE", trail, since, "+inf", "BYSCORE", "WITHSCORES")
for place = 1, #latest, 2 do
  local found = decoded(latest[place]) or {}
  if is_same(found) then
    found.detail.tries = tonumber(found.detail.tries or 0) + 1
    redis.call("ZREM", trail, latest[place])
    redis.call("ZADD", trail, latest[place + 1], cjson.encode(found))
    return 1
  end
end

redis.call("SET", refused, 0, "PX", DAY, "NX")
local count = redis.call("INCR", refused)
if count <= MOST_REFUSALS_AUDITED then
  redis.call("ZADD", trail, "NX", moment, entry)
elseif count == MOST_REFUSALS_AUDITED + 1 then
  redis.call("ZADD", trail, "NX", moment, overflow)
end
return 1
