-- The first line of a record, which says how a sign-up stands, is a list of values (JSON). Each has
-- its place, as names would take a third more memory. What is unknown or 0 is "", and left out at
-- the end; so what most sign-ups have comes first. records.py has the same places.

local FIELDS = {
  "state", "form", "person", "received_at", "content", "queue", "attempts", "claim",
  "settled_at", "contact_id", "action", "held_mark", "lane", "state_before", "due_before", "probe",
  "requeued_at", "lost", "reason", "error_key", "message", "replay", "edits", "repeated_at",
  "repeat_keys", "erase", "uncounted",
}

-- Returns the record whose first line this is.
local function read_first_line(line)
  local record = {}
  for place, value in ipairs(cjson.decode(line)) do
    if value ~= "" then
      record[FIELDS[place]] = value
    end
  end
  return record
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
