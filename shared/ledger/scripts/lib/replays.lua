-- Replays are jobs that make many dead letters due again, some at a time. Until its turn comes, a
-- sign-up of a replay is an ordinary dead letter whose field `replay` names the job.
--
-- NEEDS account
-- LIMIT REPLAY_KEPT  milliseconds
-- INCLUDE clock stored

local REPLAYS, REPLAYING = account .. "replays", account .. "replaying"

local function replay(job)
  return account .. "replay:" .. job
end

-- The job's sign-ups that are still dead letters.
local function replay_waiting(job)
  return account .. "replay:" .. job .. ":waiting"
end

-- Some ended so long ago that nothing else is left of them.
local function forget_old_replays()
  for _, job in ipairs(redis.call("ZRANGE", REPLAYS, 0, -1)) do
    if redis.call("EXISTS", replay(job)) == 0 then
      redis.call("ZREM", REPLAYS, job)
    end
  end
end

local function replay_under_way(job)
  local stored = redis.call("HMGET", replay(job), "moved", "delivered", "dead")
  return tonumber(stored[1] or 0) - tonumber(stored[2] or 0) - tonumber(stored[3] or 0)
end

-- Once nothing of the job waits, there is nothing to feed. It has ended when nothing is under way,
-- either.
local function leave_replaying_if_fed(job)
  if redis.call("EXISTS", replay_waiting(job)) == 1 then
    return
  end
  redis.call("ZREM", REPLAYING, job)
  if replay_under_way(job) == 0 then
    redis.call("HSET", replay(job), "ended_at", text(now))
    redis.call("PEXPIRE", replay(job), text(REPLAY_KEPT))
  end
end

-- A sign-up of the replay is delivered, or dead again (its state), so there is one less under way.
local function count_replayed(job, state)
  if redis.call("EXISTS", replay(job)) == 1 then
    add_to(replay(job), state, 1)
    leave_replaying_if_fed(job)
  end
end
