-- Dead letters are in one sorted set of them all, in one of their reason and in one of their group,
-- and are counted.
--
-- NEEDS account
-- INCLUDE clock account stored failure_groups

local REASONS = { "rejected", "gave_up", "poison", "unsubscribed_since", "unreadable" }

-- Takes the dead letter out of its sets and their count. The caller gives it another state.
local function leave_dead_letters(id, record)
  redis.call("ZREM", account .. "dead", id)
  redis.call("ZREM", account .. "dead:" .. record.reason, id)
  leave_group(id, record)
  uncount("dead", "dead:" .. record.reason)
end

-- Takes a dead letter that nobody can read out of the sets of the reasons. Returns its reason.
local function leave_reasons(id)
  local found = "unknown"
  for _, reason in ipairs(REASONS) do
    if redis.call("ZREM", account .. "dead:" .. reason, id) == 1 then
      found = reason
    end
  end
  return found
end

-- A dead letter that was cleared stays counted, and so does its reason.
local function count_cleared(reason)
  add_to(account .. "totals", "cleared:dead:" .. reason, 1)
end

-- Returns a flat list of each reason and how many dead letters of it are kept.
local function kept_by_reason()
  local kept = {}
  for _, reason in ipairs(REASONS) do
    kept[#kept + 1] = reason
    kept[#kept + 1] = redis.call("ZCARD", account .. "dead:" .. reason)
  end
  return kept
end

-- Puts the dead letter into its sets. Its record says since when, and why. The caller counts it.
local function join_dead_letters(id, record)
  redis.call("ZADD", account .. "dead", text(record.settled_at), id)
  redis.call("ZADD", account .. "dead:" .. record.reason, text(record.settled_at), id)
  join_group(id, record)
end
