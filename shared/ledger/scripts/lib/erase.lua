-- Erasing a sign-up, because its person wants to be forgotten.
--
-- NEEDS account
-- INCLUDE account lines replays quarantine

local DUE = { queued = true, delivering = true, retrying = true }

-- Takes the sign-up out of the replay in which it waits, or by which it is under way.
local function leave_replay(id, record)
  local job = record.replay
  local waited = redis.call("ZREM", replay_waiting(job), id) == 1
  if waited or DUE[record.state] then
    redis.call("HINCRBY", replay(job), "skipped", 1)
    redis.call("HINCRBY", replay(job), "moved", waited and 0 or -1)
    leave_replaying_if_fed(job)
  end
end

-- Takes the sign-up out of the index of its state. What was due, dead or quarantined is counted as
-- discarded from now on.
local function leave_state(id, record)
  if DUE[record.state] then
    redis.call("ZREM", due_set(record.queue), id)
    redis.call("ZREM", account .. "unsettled", id)
    if head_of_line(record.person) == id then
      leave_line(id, record)
    end
    count("due", -1)
  elseif record.state == "dead" then
    redis.call("ZREM", account .. "dead", id)
    redis.call("ZREM", account .. "dead:" .. record.reason, id)
    count("dead", -1)
  elseif record.state == "quarantined" then
    leave_quarantine(id, record)
  else
    redis.call("ZREM", account .. record.state, id)
    return
  end
  count("discarded", 1)
end

-- Nobody is sending the sign-up. Nothing of it stays but its counts.
local function erase(id, record)
  leave_state(id, record)
  if record.replay and redis.call("EXISTS", replay(record.replay)) == 1 then
    leave_replay(id, record)
  end
  redis.call("ZREM", of_person(record.person), id)
  redis.call("SREM", account .. "failing", id)
  redis.call("DEL", signup(id))
end
