-- Reads what these accounts' dead letters have in common, all at the same moment.
--
-- ARG accounts  json  list of the prefixes of the accounts' keys
-- LIMIT MOST_LOOKED_UP  number
--
-- Returns for each account {list of {id of a group, the group as JSON, how many, list of {id of a
-- job, how many of them wait in it}}, {how many nobody can read, when the first and the last of them
-- was found or ""}}.

-- Returns the jobs in which dead letters wait.
local function jobs_of(of)
  local found = {}
  for _, job in ipairs(redis.call("ZRANGE", of .. "replaying", 0, -1)) do
    local key = of .. "replay:" .. job
    local stored = redis.call("HMGET", key, "action", "index")
    if stored[1] ~= "deliver" then
      found[#found + 1] = { id = job, waiting = key .. ":waiting", index = of .. (stored[2] or "") }
    end
  end
  return found
end

-- Returns how many members both sets have; of many, about how many, by the latest of the smaller
-- set. (Redis 6.2 has no ZINTERCARD.)
local function count_common(one, other)
  if redis.call("ZCARD", one) > redis.call("ZCARD", other) then
    one, other = other, one
  end
  local ids, common = redis.call("ZREVRANGE", one, 0, MOST_LOOKED_UP - 1), 0
  for _, id in ipairs(ids) do
    common = common + (redis.call("ZSCORE", other, id) and 1 or 0)
  end
  return common > 0 and math.floor(common / #ids * redis.call("ZCARD", one)) or 0
end

-- Returns how many of the group wait in the job. One that goes through a group has no others.
local function count_waiting(job, group)
  if job.index == group then
    return redis.call("ZCARD", job.waiting)
  elseif string.find(job.index, "dead-group:", 1, true) then
    return 0
  end
  return count_common(group, job.waiting)
end

local function waiting_in(jobs, group)
  local found = {}
  for _, job in ipairs(jobs) do
    local count = count_waiting(job, group)
    if count > 0 then
      found[#found + 1] = { job.id, count }
    end
  end
  return found
end

local function groups(of)
  local found, stored, jobs = {}, redis.call("HGETALL", of .. "dead-groups"), jobs_of(of)
  for i = 1, #stored, 2 do
    local group = of .. "dead-group:" .. stored[i]
    local count = redis.call("ZCARD", group)
    found[#found + 1] = { stored[i], stored[i + 1], count, waiting_in(jobs, group) }
  end
  return found
end

local function unreadable(of)
  local set = of .. "dead:unreadable"
  local first = redis.call("ZRANGE", set, 0, 0, "WITHSCORES")
  local last = redis.call("ZRANGE", set, -1, -1, "WITHSCORES")
  return { redis.call("ZCARD", set), first[2] or "", last[2] or "" }
end

local found = {}
for place, each in ipairs(accounts) do
  found[place] = { groups(each), unreadable(each) }
end
return found
