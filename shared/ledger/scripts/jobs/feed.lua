-- Makes the next sign-ups of the account's oldest job due, as many as pace, quota and room allow.
--
-- KEY account  prefix of the account's keys
-- ARG per_second  number  sign-ups, for all jobs of the API key
-- ARG deliveries_per_day  number  what the API key allows for deliveries
-- ARG kept_share  number  share of a day's remaining requests that jobs leave
-- ARG most_under_way  number  how many of a job may be under way
-- ARG edits  json?  of a job with an edit: the job, and for each of its next sign-ups the id, and
--   unless it stays as it is, what is sent from now on and the event for its history
-- LIMIT MOST_FED  number
-- LIMIT ALLOWANCE_LIFE  milliseconds
-- INCLUDE clock stored record jobs requeue deliver_anyway form_lists edited feeding
--
-- Returns how many became due, or -1 if the oldest job needs `edits` for that.

local FED = account .. "replay-fed"

-- Returns how many the pace allows now, and notes that they were fed. A pause of more than a few
-- seconds is not made up for.
local function take_allowance(per_second, most_now)
  local life = math.max(ALLOWANCE_LIFE, math.ceil(4000 / per_second))
  local fed = tonumber(redis.call("GET", FED) or now - 1000)
  fed = math.min(now, math.max(fed, now - life)) -- Redis' clock may have gone back
  local allowed = math.min(most_now, math.floor((now - fed) * per_second / 1000))
  -- Needs memory, so a full server refuses the script here, before its first change.
  redis.call("SET", FED, string.format("%.3f", fed + allowed * 1000 / per_second), "PX", life)
  return allowed
end

local job = redis.call("ZRANGE", WAITING_JOBS, 0, 0)[1]
if not job then
  return 0
end
local sharing, due = accounts_with_jobs()
local quota = job_quota(deliveries_per_day, kept_share, due)
local obstacle, room = job_room(job, quota, most_under_way)
if obstacle or room == 0 then
  return 0
end
local by, action, who = unpack(redis.call("HMGET", job_key(job), "by", "action", "event"))
if action == "retry_edited" and (not edits or edits.job ~= job) then
  return -1
end
local allowed = take_allowance(per_second / sharing, room)

who = decoded(who) or {}
local name = action == "deliver" and "delivered from quarantine" or "retried"
local event = { event = name, by = by, counted = false }

-- Gives the sign-up the lists that the job has for its form, or the fields of its `edit`, if the job
-- is one that does so. Returns whether it can be sent.
local function is_prepared(record, edit)
  if action == "retry_edited" then
    if edit.sent then
      give_fields(record, edit)
    end
    return edit.sent ~= nil
  elseif action ~= "retry_form_lists" then
    return true
  end
  local lists = redis.call("HGET", job_lists(job), record.form)
  return lists and give_lists(record, lists, who)
end

-- Makes the sign-up due, if it still waits for that. Returns whether it did.
local function make_due(id, when, edit)
  local record = load_record(id)
  if not record or record.replay ~= job then
    return false
  elseif record.state == "dead" then
    if not is_prepared(record, edit) then
      return false
    end
    requeue(id, record, when, event)
    save_record(id, record)
  elseif record.state == "quarantined" then
    deliver_anyway(id, record, when, event)
  else
    return false
  end
  return true
end

-- Returns the id of the next one, and its edit if the job has any; nil when there is none. Of those
-- with an edit, another worker may have taken some since they were read.
local place = 0
local function take_next()
  if not edits then
    return redis.call("ZPOPMIN", waiting_in_job(job))[1]
  end
  repeat
    place = place + 1
    local edit = edits.signups[place]
    if edit and redis.call("ZREM", waiting_in_job(job), edit.id) == 1 then
      return edit.id, edit
    end
  until not edit
end

local made_due, looked_at = 0, 0
while made_due < allowed and looked_at < MOST_FED do
  local id, edit = take_next()
  if not id then
    break
  end
  looked_at = looked_at + 1
  -- A microsecond apart, so that the oldest is sent first.
  if make_due(id, string.format("%.3f", (now_us + made_due) / 1000), edit) then
    made_due = made_due + 1
  end
end
add_to(job_key(job), "moved", made_due)
add_to(job_key(job), "skipped", looked_at - made_due)
end_job_if_fed(job)
return made_due
