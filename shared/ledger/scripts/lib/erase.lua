-- Erasing a sign-up, because its person wants to be forgotten.
--
-- NEEDS account
-- INCLUDE account stored lines jobs settled dead_letters failure_groups quarantine

local DUE = { queued = true, delivering = true, retrying = true }

-- Takes the sign-up out of its job, if it has one that is still known. The sign-up waits in it
-- as a dead letter, or is under way because of it.
local function leave_job(id, record)
  if stop_waiting(id, record) then
    return
  end
  local job = record.replay
  if job and DUE[record.state] and redis.call("EXISTS", job_key(job)) == 1 then
    add_to(job_key(job), "skipped", 1)
    add_to(job_key(job), "moved", -1)
    end_job_if_fed(job)
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
    leave_settled(record.state, id)
    return
  end
  count("discarded", 1)
end

-- Nobody is sending the sign-up. Nothing of it stays but its counts.
local function erase(id, record)
  leave_state(id, record)
  leave_job(id, record)
  redis.call("SREM", account .. "failing", id)
  forget(id, record)
end

-- Takes a sign-up that nobody can read out of its state: only the indexes tell which one that is.
local function leave_indexed_state(id)
  if is_unreadable_dead_letter(id) then
    leave_unreadable_dead_letters(id)
    count("discarded", 1)
  end
  local reason = leave_reasons(id)
  if redis.call("ZREM", account .. "dead", id) == 1 then
    uncount("dead", "dead:" .. reason)
    count("discarded", 1)
  end
  if leave_settled("quarantined", id) then
    uncount("quarantined")
    count("discarded", 1)
  end
  for _, state in ipairs({ "delivered", "discarded", "cleared" }) do
    leave_settled(state, id)
  end
  leave_any_group(id)
end

-- Erases a sign-up of the person that nobody can read. Returns whether there was one.
local function erase_unreadable(id, person)
  local is_head = head_of_line(person) == id
  local in_line = tonumber(redis.call("ZSCORE", of_person(person), id) or 0) > 0
  if in_line and not redis.call("ZSCORE", account .. "unreadable", id) then
    set_aside(id)
  end
  redis.call("ZREM", of_person(person), id)
  redis.call("SREM", typed_as(person), id)
  leave_indexed_state(id)
  redis.call("ZREM", account .. "unreadable", id)
  redis.call("SREM", account .. "failing", id)
  if is_head then
    make_head_due(person)
  end
  return redis.call("DEL", signup(id)) == 1 or in_line
end
