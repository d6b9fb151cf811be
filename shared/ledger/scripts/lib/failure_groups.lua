-- Dead letters with the same reason, form and error are a group, so that one cause is one row. A
-- group has its dead letters by when they were received. `dead-groups` has what they have in common.
-- Dead letters that nobody can read have no group but `dead:unreadable`.
--
-- NEEDS account
-- LIMIT MOST_GROUPS  number
-- INCLUDE stored

local GROUPS = account .. "dead-groups"

local function group_members(group)
  return account .. "dead-group:" .. group
end

-- Returns the message without what differs from sign-up to sign-up: quoted values, and words with
-- digits, but for the HTTP status.
local function common_part(message)
  local before
  message = string.gsub(message, "\034[^\034]*\034", "\034…\034")
  message = string.gsub(message, "%f[%w']'[^']*'", "'…'")
  message = string.gsub(message, "[%w_%-]+", function(word)
    local varies = string.find(word, "%d") and before ~= "HTTP"
    before = word
    return varies and "…" or nil
  end)
  return message
end

-- Returns the id of the dead letter's group, and what its members have in common. The id follows
-- from the record alone, as every step that takes a dead letter away must find its group.
local function group_of(record)
  local common = {
    reason = record.reason, form = record.form, error_key = record.error_key,
    message = record.message and common_part(record.message),
  }
  local parts = { common.reason, common.form, common.error_key or "", common.message or "" }
  return string.sub(redis.sha1hex(table.concat(parts, "\n")), 1, 16), common
end

-- The group of all that came when the account had too many.
local function group_of_others(record)
  return "other-" .. record.reason, { reason = record.reason }
end

-- Whether a group has the dead letter.
local function is_grouped(id, record)
  local usual, others = group_of(record), group_of_others(record)
  return redis.call("ZSCORE", group_members(usual), id)
    or redis.call("ZSCORE", group_members(others), id)
end

-- Returns the group for a new dead letter, and what is known of it.
local function choose_group(record)
  local group, common = group_of(record)
  local known = redis.call("HGET", GROUPS, group)
  if not known and redis.call("HLEN", GROUPS) >= MOST_GROUPS then
    group, common = group_of_others(record)
    known = redis.call("HGET", GROUPS, group)
  end
  return group, known and decoded(known) or common
end

local function join_group(id, record)
  if record.reason == "unreadable" then
    return
  end
  local group, common = choose_group(record)
  local died_at = tonumber(record.settled_at or 0)
  common.first_at = math.min(tonumber(common.first_at or died_at), died_at)
  common.last_at = math.max(tonumber(common.last_at or died_at), died_at)
  redis.call("ZADD", group_members(group), record.received_at, id)
  redis.call("HSET", GROUPS, group, cjson.encode(common))
end

-- Takes it out of this group. Returns whether it was there.
local function leave_this_group(group, id)
  if redis.call("ZREM", group_members(group), id) == 0 then
    return false
  elseif redis.call("EXISTS", group_members(group)) == 0 then
    redis.call("HDEL", GROUPS, group)
  end
  return true
end

local function leave_group(id, record)
  return leave_this_group(group_of(record), id) or leave_this_group(group_of_others(record), id)
end

-- Takes a dead letter whose record nobody can read any more out of the group that has it.
local function leave_any_group(id)
  for _, group in ipairs(redis.call("HKEYS", GROUPS)) do
    leave_this_group(group, id)
  end
end
