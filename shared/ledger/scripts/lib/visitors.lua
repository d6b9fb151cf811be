-- The visitors of a network, which RELAY_VISITOR_LIMIT counts: one by one, and all together.
--
-- NEEDS network place visitor_limit visitor_window
-- LIMIT VISITORS_OF_A_NETWORK  number

-- Returns what of an address all of one visitor's have: all of an IPv4 one, the /64 of an IPv6 one.
local function visitor_of(address)
  if not string.find(address, ":", 1, true) then
    return address
  end
  local before, after = string.match(address, "^(.-)::(.*)$")
  local groups = {}
  for group in string.gmatch(before or address, "[^:]+") do
    groups[#groups + 1] = group
  end
  local _, behind = string.gsub(after or "", "[^:]+", "")
  for _ = #groups + behind + 1, 8 do
    groups[#groups + 1] = "0"
  end
  for group in string.gmatch(after or "", "[^:]+") do
    groups[#groups + 1] = group
  end
  return table.concat(groups, ":", 1, 4)
end

-- Returns the visitor who gave a consent (JSON). In old ones, a digest is in the address' place.
local function visitor_in(given)
  local readable, found = pcall(cjson.decode, given)
  local address = readable and (found[3] or found.address)
  return type(address) == "string" and visitor_of(address) or ""
end

-- Counts one more sign-up of the visitor. `sent` has how many came from the visitor and from the
-- network in this window. Returns how long the visitor must wait (ms) if there were too many.
local function count_visitor(sent)
  local of_all = sent and tonumber(sent[2] or nil)
  if not of_all then
    redis.call("HSET", network, place, 1, "all", 1)
    redis.call("PEXPIRE", network, visitor_window)
    return nil
  end
  local of_visitor = tonumber(sent[1] or 0)
  if of_visitor >= visitor_limit or of_all >= visitor_limit * VISITORS_OF_A_NETWORK then
    return math.max(1, redis.call("PTTL", network))
  end
  redis.call("HSET", network, place, of_visitor + 1, "all", of_all + 1)
end
