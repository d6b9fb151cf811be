-- How many of a job's sign-ups may become due now, and why none may.
--
-- LIMIT QUOTA_KEPT  milliseconds
-- INCLUDE clock account pace holds jobs

-- Returns how many accounts of the API key share the pace of jobs, and how many of their
-- sign-ups are due: each will use a request.
local function accounts_with_jobs()
  local sharing, due = 0, 0
  for _, each in ipairs(redis.call("SMEMBERS", api_key .. "accounts")) do
    sharing = sharing + redis.call("EXISTS", each .. "replaying")
    due = due + redis.call("ZCARD", each .. "due:replay")
  end
  return math.max(1, sharing), due
end

-- Returns how many requests jobs may still use this UTC day. They leave a share of the requests
-- that remained when the day's first job asked; it stays the same all day.
local function job_quota(deliveries_per_day, kept_share, due)
  local left = math.max(0, deliveries_per_day - used_today())
  local key = api_key .. "replay-reserve:" .. utc_date()
  redis.call("SET", key, text(math.ceil(left * kept_share)), "NX", "PX", text(QUOTA_KEPT))
  return left - tonumber(redis.call("GET", key)) - due
end

-- Returns the obstacle or nil, and the room there is without one.
local function job_room(job, quota, most_under_way)
  if forbidding_hold() then
    return "hold", 0
  elseif is_stepping(job) then -- else the oldest might not be sent first
    return "stepping", 0
  elseif redis.call("EXISTS", waiting_in_job(job)) == 0 then
    return nil, 0
  elseif redis.call("ZRANGE", WAITING_JOBS, 0, 0)[1] ~= job then
    return "behind", 0
  elseif quota <= 0 then
    return "quota", 0
  end
  local room = most_under_way - job_under_way(job)
  if room <= 0 then
    return "under way", 0
  end
  return nil, math.min(room, quota)
end
