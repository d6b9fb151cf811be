-- Tells how long a sign-up of the account has been due without being claimed. Ignores holds.
--
-- KEY account  prefix of the account's keys
-- INCLUDE clock account lines
--
-- Returns {ms since the first of its sign-ups was due or -1, ms that its API key still rests,
-- ms since its last delivery, or about so many, or -1}.

local first = nil
for _, queue in ipairs({ "fresh", "retry", "replay" }) do
  local due = tonumber(redis.call("ZRANGE", due_set(queue), 0, 0, "WITHSCORES")[2])
  if due and due <= tonumber(moment) and (not first or due < first) then
    first = due
  end
end
local rest_until = tonumber(redis.call("HGET", api_key .. "pace", "rest_until") or 0)
local delivered = tonumber(redis.call("GET", account .. "delivered-at") or nil)
if not delivered and redis.call("HEXISTS", account .. "totals", "delivered") == 1 then
  delivered = tonumber(redis.call("GET", account .. "succeeded-at") or nil) -- before format 4
end
return {
  first and math.max(0, math.floor(now - first)) or -1,
  math.max(0, math.floor((rest_until - now_us) / 1000)),
  delivered and math.max(0, math.floor(now - delivered)) or -1,
}
