-- Tells which accounts an operator should look at first: they are on hold, have dead letters, or
-- have no tokens that are well. It reads the same of an account with a million sign-ups as of an
-- empty one.
--
-- ARG accounts  json  list of the prefixes of their keys
--
-- Returns a list of the prefixes of these.

local function is_held_or_has_dead_letters(of)
  local api_key = redis.call("GET", of .. "key") or "relay:{no key}:"
  return redis.call("EXISTS", of .. "holds", api_key .. "holds", of .. "dead") > 0
end

local function lacks_tokens_that_are_well(of)
  local stored = redis.call("HMGET", of .. "tokens", "access", "failures", "failure", "revoked")
  return not stored[1] or stored[2] or stored[3] or stored[4]
end

local found = {}
for _, each in ipairs(accounts) do
  if is_held_or_has_dead_letters(each) or lacks_tokens_that_are_well(each) then
    found[#found + 1] = each
  end
end
return found
