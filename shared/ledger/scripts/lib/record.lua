-- A sign-up's record is one text of lines: how it stands, what is sent, the consent, and then its
-- history, one attempt or other event a line, the oldest first. Each line is JSON. Only the first
-- one is read and written here: the record is its table, with the other lines as `lines`.
--
-- NEEDS account
-- LIMIT HISTORY_KEPT  number
-- INCLUDE account first_line older_record

-- Returns the record's text, or nil. A record of an older format is upgraded: it is no text.
local function record_text(id)
  local stored = redis.pcall("GET", signup(id))
  if type(stored) == "table" then
    return upgrade_record(id)
  end
  return stored or nil
end

-- Returns the sign-up's record; nil if there is none, or if nobody can read it.
local function load_record(id)
  local first, lines = string.match(record_text(id) or "", "^([^\n]*)(\n[^\n]*\n.*)$")
  local record = first and read_first_line(first)
  if record then
    record.lines = lines
  end
  return record or nil
end

local function save_record(id, record)
  redis.call("SET", signup(id), write_first_line(record) .. record.lines)
end

-- Returns the second line, the third, and the rest, which begins with a line break if there is any.
local function sent_consent_history(record)
  return string.match(record.lines, "^\n([^\n]*)\n([^\n]*)(.*)$")
end

-- Replaces the record's other lines by these, given as the function above returns them.
local function write_lines(record, sent, consent, history)
  record.lines = "\n" .. sent .. "\n" .. consent .. history
end

-- Adds an event (JSON) to the history, which keeps the latest.
local function remember(record, event)
  record.lines = record.lines .. "\n" .. event
  local _, count = string.gsub(record.lines, "\n", "")
  if count > HISTORY_KEPT + 2 then
    local sent, consent, history = sent_consent_history(record)
    history = string.gsub(history, "^\n[^\n]*", "")
    write_lines(record, sent, consent, history)
  end
end
