--@include _base _holds _lines
-- Tells whether a lane would find work: something is due and no hold forbids to look.
--
-- KEYS[1] -> relay:{A}:
--
-- Returns 1 or 0.
if standing_hold() then
  return 0
end
for _, queue in ipairs({ "fresh", "retry", "replay" }) do
  local due = redis.call("ZRANGE", due_set(queue), "-inf", moment, "BYSCORE", "LIMIT", 0, 1)
  if due[1] then
    return 1
  end
end
return 0
