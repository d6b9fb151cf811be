-- The first line of a record, which says how a sign-up stands, is a list of values (JSON). Each has
-- its place, as names would take a third more memory. What is unknown or 0 is "", and left out at
-- the end; so what most sign-ups have comes first. records.py has the same places.
--
-- INCLUDE stored

local FIELDS = {
  "state", "form", "person", "received_at", "content", "queue", "attempts", "claim",
  "settled_at", "contact_id", "action", "held_mark", "lane", "state_before", "due_before", "probe",
  "requeued_at", "lost", "reason", "error_key", "message", "replay", "edits", "repeated_at",
  "repeat_keys", "erase", "uncounted", "settled_before", "typed_person",
}

-- The rules are functions: every run of a script would make tables of them anew, and accepting reads
-- no record.

local function is_text(value)
  return type(value) == "string"
end

local function is_queue(value)
  return value == "fresh" or value == "retry" or value == "replay"
end

local function are_counts(record, names)
  for _, name in ipairs(names) do
    if record[name] and not as_number(record[name]) then
      return false
    end
  end
  return true
end

-- Whether the record has the texts that no step can do without in its state.
local function fits_its_state(record)
  local state = record.state
  if state == "queued" or state == "retrying" then
    return record.queue ~= nil
  elseif state == "delivering" then
    return record.queue ~= nil and is_text(record.claim) and is_text(record.lane)
  elseif state == "dead" or state == "quarantined" then
    return is_text(record.reason)
  end
  return state == "delivered" or state == "discarded" or state == "cleared"
end

-- Whether every step can work with the record.
local function is_whole(record)
  local received = as_number(record.received_at)
  return fits_its_state(record) and is_text(record.form) and is_text(record.person)
    and (record.queue == nil or is_queue(record.queue))
    and are_counts(record, { "attempts", "lost", "edits", "repeat_keys", "held_mark" })
    and received ~= nil and received >= 0
end

-- Returns the record whose first line this is, or nil if nobody can read it.
local function read_first_line(line)
  local values = decoded(line)
  if not values then
    return nil
  end
  local record = {}
  for place, name in ipairs(FIELDS) do
    if values[place] ~= "" and values[place] ~= cjson.null then
      record[name] = values[place]
    end
  end
  return is_whole(record) and record or nil
end

-- Returns the record's first line.
local function write_first_line(record)
  local last = #FIELDS
  while not record[FIELDS[last]] do
    last = last - 1
  end
  local values = {}
  for place = 1, last do
    values[place] = record[FIELDS[place]] or ""
  end
  return cjson.encode(values)
end
