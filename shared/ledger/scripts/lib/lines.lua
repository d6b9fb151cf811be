-- A person's sign-ups are in one sorted set. The unsettled ones are the person's line, in the order
-- received. Only its head is in a due set, so that one person's sign-ups never overtake or collide.
-- The others have negative scores: minus the microsecond in which they were received. What was
-- quarantined, and so never sent, lies further below zero than any time.
--
-- NEEDS account
-- LIMIT NEVER_SENT  number
-- INCLUDE clock account record

local function due_set(queue)
  return account .. "due:" .. queue
end

local function of_person(person)
  return account .. "person:" .. person
end

-- The sign-ups that were typed with an address of this person, and have another one since an edit.
local function typed_as(person)
  return account .. "typed:" .. person
end

-- Makes it a sign-up of another person. The one as whom it was typed at first still finds it.
local function change_person(id, record, person)
  if person == record.person then
    return
  end
  redis.call("ZREM", of_person(record.person), id)
  record.typed_person = record.typed_person or record.person
  redis.call("SADD", typed_as(record.typed_person), id)
  record.person = person
end

-- Deletes a record, of which only its persons' sets still have the id.
local function forget(id, record)
  redis.call("DEL", signup(id))
  redis.call("ZREM", of_person(record.person), id)
  if record.typed_person then
    redis.call("SREM", typed_as(record.typed_person), id)
  end
end

-- Deletes a record that nobody can read, so it is no evidence of anything.
local function forget_unreadable(id)
  redis.call("DEL", signup(id))
  redis.call("ZREM", account .. "unreadable", id)
  redis.call("ZREM", account .. "dead:unreadable", id)
end

-- Returns the first of the queue that is due, and since when; or nil.
local function first_due(queue)
  local found = redis.call(
    "ZRANGE", due_set(queue), "-inf", moment, "BYSCORE", "LIMIT", 0, 1, "WITHSCORES"
  )
  return found[1], found[2]
end

local function anything_due()
  return first_due("fresh") or first_due("retry") or first_due("replay")
end

-- Returns the head of the person's line and its place, or nil.
local function head_of_line(person)
  local found = redis.call(
    "ZRANGE", of_person(person), "(0", "+inf", "BYSCORE", "LIMIT", 0, 1, "WITHSCORES"
  )
  return found[1], found[2]
end

-- Makes a sign-up the only one of its person's line, which is empty; it becomes due at `when` (a
-- text). The record says its `queue`.
local function begin_line(id, person, queue, when)
  redis.call("ZADD", of_person(person), text(now_us), id)
  redis.call("ZADD", due_set(queue), when, id)
end

-- Notes that the sign-up is due, so that the oldest is known at once. One that nobody has claimed
-- needs no note while it is in due:fresh, whose score tells the same.
local function note_unsettled(id, record)
  redis.call("ZADD", account .. "unsettled", record.received_at, id)
end

-- Puts a sign-up among those of its person that are not in the line.
local function stay_out_of_line(id, record)
  local place = -math.floor(tonumber(record.received_at) * 1000)
  if record.state == "quarantined" then
    place = place - NEVER_SENT
  end
  redis.call("ZADD", of_person(record.person), text(place), id)
end

-- A sign-up whose record is gone, or that nobody can read, becomes a dead letter: others must not
-- wait for it. Its record stays as it is. Its person's line is yet to be found.
local function set_aside(id)
  for _, queue in ipairs({ "fresh", "retry", "replay" }) do
    redis.call("ZREM", due_set(queue), id)
  end
  redis.call("ZREM", account .. "unsettled", id)
  redis.call("ZADD", account .. "dead", text(now), id)
  redis.call("ZADD", account .. "dead:unreadable", text(now), id)
  redis.call("ZADD", account .. "unreadable", text(now), id)
  count("due", -1)
  count("dead", 1)
  chart("dead", 1)
end

local function is_unreadable_dead_letter(id)
  return redis.call("ZSCORE", account .. "dead:unreadable", id)
end

-- Takes it out of the dead letters and their count. The caller gives it another state.
local function leave_unreadable_dead_letters(id)
  redis.call("ZREM", account .. "dead", id)
  redis.call("ZREM", account .. "dead:unreadable", id)
  uncount("dead", "dead:unreadable")
end

-- Returns the record of the line's head if it can be sent: somebody can read it, and it is of this
-- person.
local function sound_head(person, head)
  local record = load_record(head)
  local sound = record and record.person == person and record.queue
  return sound and not redis.call("ZSCORE", account .. "unreadable", head) and record or nil
end

-- Makes the head of the person's line due, in the order in which it was received. Unreadable ones
-- leave the line.
local function make_head_due(person)
  local head, place = head_of_line(person)
  while head do
    local record = sound_head(person, head)
    if record then
      redis.call("ZADD", due_set(record.queue), record.received_at, head)
      return
    elseif not redis.call("ZSCORE", account .. "unreadable", head) then
      set_aside(head)
    end
    redis.call("ZADD", of_person(person), "-" .. place, head)
    head, place = head_of_line(person)
  end
end

-- Takes the settled head out of its line and makes the next one due.
local function leave_line(id, record)
  stay_out_of_line(id, record)
  make_head_due(record.person)
end

-- If nobody can read the head of the person's line, the line goes on without it.
local function mend_line(person)
  local head = head_of_line(person)
  if head and not sound_head(person, head) then
    make_head_due(person)
  end
end

-- Puts a sign-up at the end of its person's line, or begins one. Returns whether it is the head.
local function join_line(id, record, when)
  local line = of_person(record.person)
  mend_line(record.person)
  local last = redis.call(
    "ZRANGE", line, "+inf", "(0", "BYSCORE", "REV", "LIMIT", 0, 1, "WITHSCORES"
  )
  if not last[1] then
    begin_line(id, record.person, record.queue, when)
    return true
  end
  -- The order holds even when two come in one microsecond or Redis' clock goes back.
  redis.call("ZADD", line, text(math.max(now_us, tonumber(last[2]) + 1)), id)
  return false
end
