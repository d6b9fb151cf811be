-- Tells of many accounts at once how much there is of them: enough to say which of them an operator
-- should see first.
--
-- KEY progress  relay:stats:roll-up
-- ARG accounts  json  list of the prefixes of their keys
-- ARG reasons  json  list of the reasons of dead letters
-- ARG counts  json  list of the names of the totals
-- INCLUDE clock chart_slots trouble
--
-- Returns for each account: {prefix of the keys of its API key, list of its totals by `counts` (text
-- or nil), age of the oldest due in ms or -1, dead letters, list of these by `reasons` (empty without
-- any), how many of them wait in jobs, how many are in quarantine, list of the reasons of its
-- holds, 1 unless its tokens are well, list of what was counted this UTC day in the order of COUNTED}.

local rolled_to = tonumber(redis.call("HGET", progress, "rolled_to") or 0)
local today = math.floor(this_minute / 1440)

local function counted_today(of)
  local sums = no_figures()
  add_figures(sums, read_slot(of .. "days", today))
  local from = math.max(next_minute(of, rolled_to), today * 1440)
  each_counted(of, from, this_minute, function(_, figures)
    add_figures(sums, figures)
  end)
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

-- Returns how many dead letters wait in jobs.
local function count_in_jobs(of)
  local waiting = 0
  for _, job in ipairs(redis.call("ZRANGE", of .. "replaying", 0, -1)) do
    local key = of .. "replay:" .. job
    if redis.call("HGET", key, "action") ~= "deliver" then
      waiting = waiting + redis.call("ZCARD", key .. ":waiting")
    end
  end
  return waiting
end

-- Returns how many there are of each of `reasons`.
local function count_by_reason(of)
  local counts = {}
  for i, reason in ipairs(reasons) do
    counts[i] = redis.call("ZCARD", of .. "dead:" .. reason)
  end
  return counts
end

local function held_for(of)
  local found = redis.call("HKEYS", of .. "holds")
  for _, reason in ipairs(redis.call("HKEYS", api_key_of(of) .. "holds")) do
    found[#found + 1] = reason
  end
  return found
end

local found = {}
for i, each in ipairs(accounts) do
  local dead = redis.call("ZCARD", each .. "dead")
  found[i] = {
    api_key_of(each),
    redis.call("HMGET", each .. "totals", unpack(counts)),
    age_of_oldest(each),
    dead,
    dead > 0 and count_by_reason(each) or {},
    dead > 0 and count_in_jobs(each) or 0,
    redis.call("ZCARD", each .. "quarantined"),
    held_for(each),
    lacks_tokens_that_are_well(each) and 1 or 0,
    counted_today(each),
  }
end
return found
