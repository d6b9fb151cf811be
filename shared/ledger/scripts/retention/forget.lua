-- Forgets the account's oldest evidence of consent whose time is over, some at a time. Safe to
-- repeat, and several times at once.
--
-- KEY account  prefix of the account's keys
-- KEY retention  relay:retention
-- ARG kept  milliseconds  how long evidence is kept after the consent was given
-- LIMIT MOST_CLEARED  number
-- INCLUDE clock record lines retention
--
-- Returns how many are gone; 0 when nothing is over.

local over = over_before("consent", kept, now)
if not over then
  return 0
end
local ids = redis.call(
  "ZRANGE", account .. "cleared", "-inf", text(over), "BYSCORE", "LIMIT", 0, MOST_CLEARED
)
for _, id in ipairs(ids) do
  redis.call("ZREM", account .. "cleared", id)
  local record = load_record(id)
  if record then
    forget(id, record)
  else
    forget_unreadable(id)
  end
end
return #ids
