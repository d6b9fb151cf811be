-- Reads stored values that something else may have written, so that one takes no others with it.

-- Returns the object or list that the text is as JSON, or nil.
local function decoded(stored)
  local readable, found = pcall(cjson.decode, stored)
  return readable and type(found) == "table" and found or nil
end

-- Adds to a number in a hash; returns the sum. One that is no number stays as it is.
local function add_to(key, field, by)
  local sum = redis.pcall("HINCRBY", key, field, by)
  if type(sum) ~= "table" then
    return sum
  elseif string.find(sum.err, "integer", 1, true) or string.find(sum.err, "overflow", 1, true) then
    return 0
  end
  return redis.call("HINCRBY", key, field, by) -- which fails in the same way
end
