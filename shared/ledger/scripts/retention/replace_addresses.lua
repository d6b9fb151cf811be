-- Replaces network addresses by their digests, unless somebody changed them since they were read.
-- Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG state  text  of the sign-ups
-- ARG before  text  how far the walk had come when they were read, or ""
-- ARG after  text  how far it goes with them
-- ARG replaced  json  list of {id, address, digest}
-- INCLUDE record
--
-- Returns 1.

local function in_consent(address)
  return '"' .. address .. '"'
end

local function replace(id, address, digest)
  local record = load_record(id)
  if not record then
    return
  end
  local sent, consent, history = sent_consent_history(record)
  local first, last = string.find(consent, in_consent(address), 1, true)
  if first then
    local changed = string.sub(consent, 1, first - 1) .. in_consent(digest)
    write_lines(record, sent, changed .. string.sub(consent, last + 1), history)
    save_record(id, record)
  end
end

for _, each in ipairs(replaced) do
  replace(each[1], each[2], each[3])
end
-- Another worker may be further, or evidence may have come before this place meanwhile.
if (redis.call("HGET", account .. "addresses-replaced", state) or "") == before then
  redis.call("HSET", account .. "addresses-replaced", state, after)
end
return 1
