-- Erasing a sign-up, because its person wants to be forgotten.
--
-- NEEDS account
-- INCLUDE account lines replays dead_letters quarantine

local DUE = { queued = true, delivering = true, retrying = true }

-- Takes the sign-up out of its replay, if it has one that is still known. The sign-up waits in it
-- as a dead letter, or is under way because of it.
local function leave_replay(id, record)
  local job = record.replay
  if not job or redis.call("EXISTS", replay(job)) == 0 then
    return
  end
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
    leave_dead_letters(id, record)
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
  leave_replay(id, record)
  redis.call("SREM", account .. "failing", id)
  forget(id, record)
end
