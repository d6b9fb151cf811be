-- Jobs change many sign-ups, some at a time. A replay is one that makes dead letters due again, or
-- quarantined sign-ups due: until its turn comes, a sign-up of it is what it was, and its field
-- `replay` names the job. Another job discards, and another one undoes that.
--
-- A replay to the lists of forms also changes the lists of its sign-ups, when their turn comes. One
-- with an edit changes their fields then: `change` says how, for Python, which knows the rules.
--
-- A job of a filter goes through an index of the account from the lowest score on, up to the score
-- of the moment at which it began. `cursor` is where its next step begins; without one, nothing is
-- left to go through.
--
-- NEEDS account
-- LIMIT REPLAY_KEPT  milliseconds
-- INCLUDE clock stored

local REPLAYS, REPLAYING = account .. "replays", account .. "replaying"
local STEPPING = account .. "stepping"

local function replay(job)
  return account .. "replay:" .. job
end

-- The job's sign-ups whose turn has yet to come.
local function replay_waiting(job)
  return account .. "replay:" .. job .. ":waiting"
end

-- To which lists a replay to the lists of forms sends: a JSON list of ids by form.
local function replay_lists(job)
  return account .. "replay:" .. job .. ":lists"
end

-- Notes them. `lists` is a table by form; nil for another job.
local function note_lists(job, lists)
  for form, ids in pairs(lists or {}) do
    redis.call("HSET", replay_lists(job), form, cjson.encode(ids))
  end
end

-- Returns in which state the job wants its sign-ups to be to make them due; nil if it makes none due.
local function waits_as(action)
  local retries = action == "retry" or action == "retry_form_lists" or action == "retry_edited"
  return retries and "dead" or action == "deliver" and "quarantined" or nil
end

-- Whether the job sends to the lists of forms, and knows none for this sign-up.
local function is_without_lists(job, action, record)
  return action == "retry_form_lists"
    and redis.call("HEXISTS", replay_lists(job), record.form) == 0
end

-- Some ended so long ago that nothing else is left of them.
local function forget_old_replays()
  for _, job in ipairs(redis.call("ZRANGE", REPLAYS, 0, -1)) do
    if redis.call("EXISTS", replay(job)) == 0 then
      redis.call("ZREM", REPLAYS, job)
    end
  end
end

-- Adds a field to the details of a job, if there is a value.
local function add_detail(details, name, value)
  if value then
    details[#details + 1], details[#details + 2] = name, value
  end
end

-- Notes the job, unless it is known. `details` is a list of further fields and values.
local function begin_job(job, by, chosen, details)
  if redis.call("ZADD", REPLAYS, "NX", text(now), job) == 1 then
    redis.call(
      "HSET", replay(job),
      "by", by, "chosen", chosen, "started_at", text(now),
      "total", 0, "moved", 0, "delivered", 0, "dead", 0, "skipped", 0, "cancelled", 0,
      unpack(details)
    )
    forget_old_replays()
  end
end

local function replay_under_way(job)
  local stored = redis.call("HMGET", replay(job), "moved", "delivered", "dead")
  return tonumber(stored[1] or 0) - tonumber(stored[2] or 0) - tonumber(stored[3] or 0)
end

-- Whether the job still has an index to go through.
local function is_stepping(job)
  return redis.call("HEXISTS", replay(job), "cursor") == 1
end

-- How many entries of its index the job has yet to look at.
local function unseen(job)
  local stored = redis.call("HMGET", replay(job), "cursor", "index", "up_to")
  return stored[1] and redis.call("ZCOUNT", account .. stored[2], stored[1], stored[3]) or 0
end

-- Once nothing of the job waits, there is nothing to feed. It has ended when nothing is under way,
-- either.
local function leave_replaying_if_fed(job)
  if redis.call("EXISTS", replay_waiting(job)) == 1 or is_stepping(job) then
    return
  end
  redis.call("ZREM", REPLAYING, job)
  if replay_under_way(job) == 0 then
    redis.call("HSET", replay(job), "ended_at", text(now))
    redis.call("PEXPIRE", replay(job), text(REPLAY_KEPT))
    redis.call("UNLINK", replay_lists(job)) -- all of it has ended
  end
end

-- The job goes through no more of its index.
local function end_steps(job)
  redis.call("HDEL", replay(job), "cursor")
  redis.call("ZREM", STEPPING, job)
  leave_replaying_if_fed(job)
end

-- Takes the sign-up out of the job in which it waits for its turn. Returns whether it did.
local function stop_waiting(id, record)
  local job = record.replay
  if not job or redis.call("ZREM", replay_waiting(job), id) == 0 then
    return false
  end
  add_to(replay(job), "skipped", 1)
  leave_replaying_if_fed(job)
  return true
end

-- Has the sign-up, if it is in this state, wait in the replay, unless it waits in another one, or was
-- sent by this one. Returns whether it does.
local function join_replay(job, id, record, state)
  local other = record.replay
  if record.state ~= state or other == job
    or other and redis.call("ZSCORE", replay_waiting(other), id)
  then
    return false
  end
  record.replay = job
  redis.call("ZADD", replay_waiting(job), record.received_at, id)
  return true
end

-- A sign-up of the replay is delivered, or dead again (its state), so there is one less under way.
local function count_replayed(job, state)
  if redis.call("EXISTS", replay(job)) == 1 then
    add_to(replay(job), state, 1)
    leave_replaying_if_fed(job)
  end
end
