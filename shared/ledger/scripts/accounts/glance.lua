-- Tells of many accounts at once how much there is of them: enough to say which of them an operator
-- should see first.
--
-- KEY progress  relay:stats:roll-up
-- ARG accounts  json  list of the prefixes of their keys
-- INCLUDE clock slots
--
-- Returns for each account: {what is due, age of the oldest due in ms or -1, dead letters, of these
-- the ones that wait in replays, how many are in quarantine, 1 when it is on hold, 1 when its tokens
-- are in trouble, list of what was counted this UTC day in the order of COUNTED}.

local rolled_to = tonumber(redis.call("HGET", progress, "rolled_to") or 0)
local today = math.floor(this_minute / 1440)

local function counted_today(of)
  local sums = no_figures()
  add_figures(sums, read_slot(of .. "days", today))
  for minute = math.max(next_minute(of, rolled_to), today * 1440), this_minute do
    add_figures(sums, figures_of(of, minute) or {})
  end
  return sums
end

-- A fresh sign-up that nobody has claimed is in due:fresh alone.
local function age_of_oldest(of)
  local oldest = nil
  for _, key in ipairs({ of .. "unsettled", of .. "due:fresh" }) do
    local received = tonumber(redis.call("ZRANGE", key, 0, 0, "WITHSCORES")[2])
    oldest = received and math.min(received, oldest or received) or oldest
  end
  return oldest and math.max(0, math.floor(now - oldest)) or -1
end

local function count_replaying(of)
  local waiting = 0
  for _, replay in ipairs(redis.call("ZRANGE", of .. "replaying", 0, -1)) do
    waiting = waiting + redis.call("ZCARD", of .. "replay:" .. replay .. ":waiting")
  end
  return waiting
end

local function is_held(of)
  local api_key = redis.call("GET", of .. "key") or "relay:{no key}:"
  return redis.call("EXISTS", of .. "holds", api_key .. "holds") > 0
end

local function are_tokens_in_trouble(of)
  local stored = redis.call("HMGET", of .. "tokens", "failures", "revoked")
  return stored[1] or stored[2]
end

local found = {}
for i, each in ipairs(accounts) do
  local dead = redis.call("ZCARD", each .. "dead")
  found[i] = {
    tonumber(redis.call("HGET", each .. "totals", "due") or 0),
    age_of_oldest(each),
    dead,
    dead > 0 and count_replaying(each) or 0,
    redis.call("ZCARD", each .. "quarantined"),
    is_held(each) and 1 or 0,
    are_tokens_in_trouble(each) and 1 or 0,
    counted_today(each),
  }
end
return found
