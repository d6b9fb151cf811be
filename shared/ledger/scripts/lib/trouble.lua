-- Whether an operator should look at an account. It reads the same of one with a million sign-ups as
-- of an empty one.

local function api_key_of(of)
  return redis.call("GET", of .. "key") or "relay:{no key}:"
end

local function is_held(of)
  return redis.call("EXISTS", of .. "holds", api_key_of(of) .. "holds") > 0
end

local function lacks_tokens_that_are_well(of)
  local stored = redis.call("HMGET", of .. "tokens", "access", "failures", "failure", "revoked")
  return not stored[1] or stored[2] or stored[3] or stored[4]
end
