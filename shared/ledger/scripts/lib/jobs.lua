-- Jobs change many sign-ups, some at a time. Some send: they make dead letters or quarantined
-- sign-ups due. Until its turn comes, a sign-up of such a job is what it was. Other jobs discard, or
-- undo that.
--
-- Keys and the record's field `replay`, which names the job, keep the word that jobs had first.
--
-- A job to the lists of forms also changes the lists of its sign-ups, when their turn comes. One
-- with an edit changes their fields then: `change` says how, for Python, which knows the rules.
--
-- A job of a filter goes through an index of the account from the lowest score on, up to the score
-- of the moment at which it began. `cursor` is where its next step begins; without one, nothing is
-- left to go through.
--
-- NEEDS account
-- LIMIT JOB_KEPT  milliseconds
-- INCLUDE clock stored

local JOBS, WAITING_JOBS = account .. "replays", account .. "replaying"
local STEPPING = account .. "stepping"

local function job_key(job)
  return account .. "replay:" .. job
end

-- The job's sign-ups whose turn has yet to come.
local function waiting_in_job(job)
  return account .. "replay:" .. job .. ":waiting"
end

-- To which lists a job to the lists of forms sends: a JSON list of ids by form.
local function job_lists(job)
  return account .. "replay:" .. job .. ":lists"
end

-- Notes them. `lists` is a table by form; nil for another job.
local function note_lists(job, lists)
  for form, ids in pairs(lists or {}) do
    redis.call("HSET", job_lists(job), form, cjson.encode(ids))
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
    and redis.call("HEXISTS", job_lists(job), record.form) == 0
end

-- Some ended so long ago that nothing else is left of them.
local function forget_old_jobs()
  for _, job in ipairs(redis.call("ZRANGE", JOBS, 0, -1)) do
    if redis.call("EXISTS", job_key(job)) == 0 then
      redis.call("ZREM", JOBS, job)
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
  if redis.call("ZADD", JOBS, "NX", text(now), job) == 1 then
    redis.call(
      "HSET", job_key(job),
      "by", by, "chosen", chosen, "started_at", text(now),
      "total", 0, "moved", 0, "delivered", 0, "dead", 0, "skipped", 0, "cancelled", 0,
      unpack(details)
    )
    forget_old_jobs()
  end
end

local function job_under_way(job)
  local stored = redis.call("HMGET", job_key(job), "moved", "delivered", "dead")
  return tonumber(stored[1] or 0) - tonumber(stored[2] or 0) - tonumber(stored[3] or 0)
end

-- Whether the job still has an index to go through.
local function is_stepping(job)
  return redis.call("HEXISTS", job_key(job), "cursor") == 1
end

-- How many entries of its index the job has yet to look at.
local function unseen(job)
  local stored = redis.call("HMGET", job_key(job), "cursor", "index", "up_to")
  return stored[1] and redis.call("ZCOUNT", account .. stored[2], stored[1], stored[3]) or 0
end

-- Once nothing of the job waits, there is nothing to feed. It has ended when nothing is under way,
-- either.
local function end_job_if_fed(job)
  if redis.call("EXISTS", waiting_in_job(job)) == 1 or is_stepping(job) then
    return
  end
  redis.call("ZREM", WAITING_JOBS, job)
  if job_under_way(job) == 0 then
    redis.call("HSET", job_key(job), "ended_at", text(now))
    redis.call("PEXPIRE", job_key(job), text(JOB_KEPT))
    redis.call("UNLINK", job_lists(job)) -- all of it has ended
  end
end

-- The job goes through no more of its index.
local function end_steps(job)
  redis.call("HDEL", job_key(job), "cursor")
  redis.call("ZREM", STEPPING, job)
  end_job_if_fed(job)
end

-- Takes the sign-up out of the job in which it waits for its turn. Returns whether it did.
local function stop_waiting(id, record)
  local job = record.replay
  if not job or redis.call("ZREM", waiting_in_job(job), id) == 0 then
    return false
  end
  add_to(job_key(job), "skipped", 1)
  end_job_if_fed(job)
  return true
end

-- Has the sign-up, if it is in this state, wait in the job, unless it waits in another one, or was
-- sent by this one. Returns whether it does.
local function join_job(job, id, record, state)
  local other = record.replay
  if record.state ~= state or other == job
    or other and redis.call("ZSCORE", waiting_in_job(other), id)
  then
    return false
  end
  record.replay = job
  redis.call("ZADD", waiting_in_job(job), record.received_at, id)
  return true
end

-- A sign-up of the job is delivered, or dead again (its state), so there is one less under way.
local function count_in_job(job, state)
  if redis.call("EXISTS", job_key(job)) == 1 then
    add_to(job_key(job), state, 1)
    end_job_if_fed(job)
  end
end
