-- The first line of a record, which says how a sign-up stands, is a list of values (JSON). Each has
-- its place, as names would take a third more memory. What is unknown or 0 is "", and left out at
-- the end; so what most sign-ups have comes first. records.py has the same places.
--
-- INCLUDE stored

local FIELDS = {
  "state", "form", "person", "received_at", "content", "queue", "attempts", "claim",
  "settled_at", "contact_id", "action", "held_mark", "lane", "state_before", "due_before", "probe",
  "requeued_at", "lost", "reason", "error_key", "message", "replay", "edits", "repeated_at",
  "repeat_keys", "erase", "uncounted",
}

-- What no step can do without, by state: the fields that are texts.
local TEXTS = {
  queued = { "queue" }, retrying = { "queue" }, delivering = { "queue", "claim", "lane" },
  dead = { "reason" }, quarantined = { "reason" }, delivered = {}, discarded = {}, cleared = {},
}
local QUEUES = { fresh = true, retry = true, replay = true }
local COUNTS = { "attempts", "lost", "edits", "repeat_keys", "held_mark" }

local function are_texts(record, names)
  for _, name in ipairs(names) do
    if type(record[name]) ~= "string" then
      return false
    end
  end
  return true
end

-- Whether every step can work with the record.
local function is_whole(record)
  local texts = TEXTS[record.state]
  if not texts or not are_texts(record, texts) or not are_texts(record, { "form", "person" }) then
    return false
  end
  if record.queue and not QUEUES[record.queue] then
    return false
  end
  for _, name in ipairs(COUNTS) do
    if record[name] and not as_number(record[name]) then
      return false
    end
  end
  local received = as_number(record.received_at)
  return received ~= nil and received >= 0
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
