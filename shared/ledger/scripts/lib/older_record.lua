-- Records of the formats 1 and 2 are hashes. Their histories are lists of their own, and a set has
-- all ids of a person.
--
-- NEEDS account
-- INCLUDE clock account stored first_line

-- Returns the consent without its text, which is kept once for each version. One that cannot be
-- read here stays as it is.
local function without_text(consent)
  local found = decoded(consent)
  if not found or type(found.version) ~= "string" or type(found.text) ~= "string" then
    return consent
  end
  redis.call("HSETNX", account .. "consent-texts", found.version, found.text)
  local values, last = {}, 0
  for place, name in ipairs({ "version", "box", "address", "page", "posted" }) do
    local value = found[name]
    if value ~= nil and value ~= cjson.null then
      values[place], last = value, place
    else
      values[place] = cjson.null
    end
  end
  for place = 5, last + 1, -1 do
    values[place] = nil
  end
  return cjson.encode(values)
end

-- Returns what was several fields as what is sent.
local function sent_of(fields)
  local asked = fields.unsubscribed == "ask" and '"unsubscribed":"ask",' or ""
  return '{"lists":' .. fields.lists .. "," .. asked .. string.sub(fields.contact, 2)
end

local NUMBERS =
  { "attempts", "lost", "held_mark", "requeued_at", "repeated_at", "settled_at" }

-- Returns the first line of the record. What the upgrade from format 1 has yet to count for its
-- form is `uncounted`.
local function first_line(fields)
  local record = {}
  for name, value in pairs(fields) do
    record[name] = value ~= "" and value or nil
  end
  for _, name in ipairs(NUMBERS) do
    local number = tonumber(record[name] or 0)
    record[name] = number ~= 0 and number or nil
  end
  record.uncounted = not fields.counted and 1 or nil
  return write_first_line(record)
end

-- Gives the record today's format, and returns it; nil if nobody can read it. The first step needs no memory, as a full server
-- refuses a script at its first step that does.
local function upgrade_record(id)
  local flat, fields = redis.pcall("HGETALL", signup(id)), {}
  for i = 1, #flat, 2 do
    fields[flat[i]] = flat[i + 1]
  end
  local lists, contact = decoded(fields.lists), decoded(fields.contact)
  if not lists or not contact or not fields.person or not fields.consent or not fields.received_at
  then
    return nil
  end
  local history = redis.call("LRANGE", account .. "attempts:" .. id, 0, -1)
  redis.call("DEL", account .. "attempts:" .. id)
  redis.call("SREM", account .. "email:" .. fields.person, id)
  local lines = { first_line(fields), sent_of(fields), without_text(fields.consent) }
  for _, event in ipairs(history) do
    lines[#lines + 1] = event
  end
  local stored = table.concat(lines, "\n")
  redis.call("SET", signup(id), stored)
  if fields.state ~= "queued" and fields.state ~= "delivering" and fields.state ~= "retrying" then
    local place = -math.floor(tonumber(fields.received_at) * 1000)
    redis.call("ZADD", account .. "person:" .. fields.person, text(place), id)
  end
  return stored
end
