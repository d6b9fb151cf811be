-- Puts a sign-up that format 3 settled among those that lists find by when they were received, and
-- a dead letter into its group. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- INCLUDE record failure_groups
--
-- Returns 1.

local record = load_record(id)
for _, state in ipairs({ "delivered", "discarded", "quarantined" }) do
  local settled_at = redis.call("ZSCORE", account .. state, id)
  if settled_at then
    local received_at = record and record.received_at or settled_at
    redis.call("ZADD", account .. "received:" .. state, received_at, id)
  end
end
if record and record.state == "dead" and redis.call("ZSCORE", account .. "dead", id)
  and not is_grouped(id, record)
then
  join_group(id, record)
end
return 1
