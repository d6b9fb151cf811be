-- Clears the account's oldest sign-ups of a state whose time is over, some at a time: each becomes
-- the evidence of its consent, or is gone if that is over, too. The counts stay. Safe to repeat, and
-- several times at once.
--
-- KEY account  prefix of the account's keys
-- KEY retention  relay:retention
-- ARG state  text  delivered, discarded, quarantined or dead
-- ARG kept  milliseconds?  how long they are kept; none: no longer
-- ARG consent_kept  milliseconds?  how long evidence is kept; none: for ever
-- LIMIT MOST_CLEARED  number
-- LIMIT MOST_CLEARED_BYTES  number
-- INCLUDE clock record lines settled dead_letters failure_groups erase retention evidence
--
-- Returns how many were cleared; 0 when nothing is over.

local over = now
if kept then
  over = over_before(state, kept, now)
  if not over then
    return 0
  end
end
local consent_over = consent_kept and over_before("consent", consent_kept, now)

-- The first step needs no memory, as a full server refuses a script at its first step that does.
local function clear(id)
  leave_settled(state, id)
  redis.call("SREM", account .. "failing", id)
  local record = load_record(id)
  if state == "dead" then
    count_cleared(leave_reasons(id))
  end
  if not record then
    leave_any_group(id)
    forget_unreadable(id)
    return 0
  end
  if state == "dead" then
    leave_group(id, record)
    leave_job(id, record)
  end
  if consent_over and tonumber(record.received_at) <= consent_over then
    forget(id, record)
  else
    strip(id, record)
  end
  return #record.lines
end

local function first(set)
  return redis.call("ZRANGE", set, "-inf", text(over), "BYSCORE", "LIMIT", 0, MOST_CLEARED)
end

local ids = first(account .. state)
if #ids == 0 and not kept then
  ids = first(account .. "received:" .. state) -- most of the delivered ones are in no other
end
local cleared, bytes = 0, 0
while cleared < #ids and bytes < MOST_CLEARED_BYTES do
  cleared = cleared + 1
  bytes = bytes + clear(ids[cleared])
end
return cleared
