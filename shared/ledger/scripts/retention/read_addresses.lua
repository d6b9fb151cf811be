-- Reads the next plain network addresses whose time is over, of an account's sign-ups in a state.
--
-- KEY account  prefix of the account's keys
-- KEY retention  relay:retention
-- ARG state  text  delivered, discarded, quarantined, dead or cleared
-- ARG kept  milliseconds  how long addresses are kept
-- LIMIT MOST_CLEARED  number
-- LIMIT MOST_CLEARED_BYTES  number
-- INCLUDE clock record retention evidence
--
-- Returns {how far the walk had come or "", how far this step goes, how many records were looked
-- at, flat list of ids and addresses}; an empty list when nothing is over.

local over = over_before("addresses", kept, now)
if not over then
  return {}
end
local done = redis.call("HGET", account .. "addresses-replaced", state)
local page = redis.call(
  "ZRANGE", account .. state, done and "(" .. done or "-inf", text(over),
  "BYSCORE", "LIMIT", 0, MOST_CLEARED, "WITHSCORES"
)
if #page == 0 then
  return {}
end

local last, looked_at, bytes, found = nil, 0, 0, {}
local function look_at(id)
  looked_at = looked_at + 1
  local record = load_record(id)
  if not record then
    return
  end
  bytes = bytes + #record.lines
  local _, consent = sent_consent_history(record)
  local address = plain_address(consent)
  if address then
    found[#found + 1] = id
    found[#found + 1] = address
  end
end

-- All of one time belong to one step, as the next one begins after it.
for i = 2, #page, 2 do
  if page[i] ~= last then
    if bytes >= MOST_CLEARED_BYTES then
      break
    end
    last = page[i]
    for _, id in ipairs(redis.call("ZRANGE", account .. state, last, last, "BYSCORE")) do
      look_at(id)
    end
  end
end
return { done or "", last, looked_at, found }
