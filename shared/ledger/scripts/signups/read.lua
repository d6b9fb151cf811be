-- Reads some records, and the texts of consent, which they name by version.
--
-- KEY account  prefix of the account's keys
-- ARG ids  json  list of the sign-ups' ids
-- INCLUDE record
--
-- Returns {flat list of versions and texts, list of the records; "" for one that does not exist}.

local found = {}
for place, id in ipairs(ids) do
  found[place] = record_text(id) or ""
end
return { redis.call("HGETALL", account .. "consent-texts"), found }
