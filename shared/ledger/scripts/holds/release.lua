-- Releases an account for an operator: `paused` ends, every other hold is probed at once. If such a
-- probe fails, the next one comes when it was planned before. Notes the moment, so that pages can
-- tell what came of it.
--
-- KEY account  prefix of the account's keys
-- ARG by  text  who releases it
-- LIMIT RELEASE_KEPT  milliseconds
-- INCLUDE clock holds
--
-- Returns a flat list of the reasons of the holds before: the account's and its API key's.

local before = {}
each_hold(function(prefix, reason, hold)
  before[#before + 1] = reason
  if reason == "paused" then
    end_hold(prefix, reason)
  else
    hold.planned_at = hold.planned_at or hold.probe_at or now
    hold.probe_at = now
    save_hold(prefix, reason, hold)
  end
end)
if #before > 0 then
  local counts = redis.call("HMGET", account .. "totals", "delivered", "dead")
  local release = {
    at = now,
    by = by,
    holds = before,
    delivered = tonumber(counts[1]) or 0,
    dead = tonumber(counts[2]) or 0,
  }
  redis.call("SET", account .. "released", cjson.encode(release), "PX", RELEASE_KEPT)
end
return before
