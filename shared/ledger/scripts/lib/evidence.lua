-- What is left of a sign-up whose time is over: the evidence of its consent. It is a record like
-- all others, but with nothing that is sent and no history, in the state `cleared`. The person's
-- sorted set still has its id.
--
-- NEEDS account
-- LIMIT DUPLICATE_WINDOW  milliseconds
-- INCLUDE clock record

-- The line with the consent, and what it has of the visitor's network address. It is a digest if it
-- has no dot and no colon.
local function plain_address(consent)
  local address = string.match(consent, '^%[.-,[^,]+,"(.-)"') -- the third of its values
    or string.match(consent, '"address":"(.-)"') -- of one that could not be upgraded
  return address and string.find(address, "[.:]") and address
end

-- The walk over the addresses may be further than this evidence, whose address it has not seen.
local function have_address_replaced(received_at)
  local done = redis.call("HGET", account .. "addresses-replaced", "cleared")
  if done and tonumber(done) >= received_at then
    local before = string.format("%.3f", received_at - 1)
    redis.call("HSET", account .. "addresses-replaced", "cleared", before)
  end
end

-- Strips the record to its evidence. Its content is still needed to recognize a repeat.
local function strip(id, record)
  local _, consent = sent_consent_history(record)
  local received_at = tonumber(record.received_at)
  local may_repeat = now - received_at < DUPLICATE_WINDOW
  save_record(id, {
    state = "cleared", form = record.form, person = record.person,
    typed_person = record.typed_person, received_at = record.received_at,
    content = may_repeat and record.content or nil,
    lines = "\n{}\n" .. consent,
  })
  redis.call("ZADD", account .. "cleared", record.received_at, id)
  if plain_address(consent) then
    have_address_replaced(received_at)
  end
end
