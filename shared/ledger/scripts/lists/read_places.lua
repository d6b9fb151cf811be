-- Reads which of the account's sign-ups were received last, from a time on back, all at the same
-- moment. What is due and was never claimed is in due:fresh alone, scored by when it was received.
--
-- KEY account  prefix of the account's keys
-- ARG states  json  list of states; "due" for all that is due, "claimed" for what was claimed before
-- ARG reason  text?  of dead letters
-- ARG form  text?  of dead letters
-- ARG group  text?  of dead letters
-- ARG is_upgraded  flag  whether all records have format 4; else some are found by other times
-- ARG below  text  the time (ms), or "+inf"; with "(" before it, without those received then
-- ARG least  text  the time (ms) down to which to read, or "-inf"
-- ARG most  number  about how many
-- INCLUDE stored failure_groups
--
-- Returns {flat list of ids and times, the last received first; down to which time these are all, or
-- "" if no others are left}.

-- The group of all others has members of several forms.
local function may_match(common)
  return (not reason or common.reason == reason) and (not form or not common.form or common.form == form)
end

-- Returns the ids of the groups that may have what is looked for.
local function groups()
  if group then
    return { group }
  elseif not (reason or form) then
    return redis.call("HKEYS", GROUPS)
  end
  local found, stored = {}, redis.call("HGETALL", GROUPS)
  for i = 1, #stored, 2 do
    local common = decoded(stored[i + 1])
    if not common or may_match(common) then
      found[#found + 1] = stored[i]
    end
  end
  return found
end

-- Returns the sorted sets of dead letters. A group of those that nobody can read is one by itself.
local function dead_letters()
  if group == "unreadable" then
    return { account .. "dead:unreadable" }
  elseif not is_upgraded and not group then
    return { account .. (reason and "dead:" .. reason or "dead") }
  end
  local found = {}
  for place, each in ipairs(groups()) do
    found[place] = group_members(each)
  end
  if not group and (not reason or reason == "unreadable") then
    found[#found + 1] = account .. "dead:unreadable"
  end
  return found
end

local FRESH, UNSETTLED = account .. "due:fresh", account .. "unsettled"

local function sets_of(state)
  if state == "due" then
    return { UNSETTLED, FRESH }
  elseif state == "claimed" then
    return { UNSETTLED }
  elseif state == "dead" then
    return dead_letters()
  end
  return { account .. (is_upgraded and "received:" or "") .. state }
end

local sets = {}
for _, state in ipairs(states) do
  for _, set in ipairs(sets_of(state)) do
    sets[#sets + 1] = set
  end
end
local of_each = math.max(5, math.ceil(most / math.max(1, #sets / 2)))

-- Adds what a sorted set has to the entries, each {time, id, time as a text}.
local entries = {}
local function add(set, found)
  for i = 1, #found, 2 do
    if set ~= FRESH or not redis.call("ZSCORE", UNSETTLED, found[i]) then
      entries[#entries + 1] = { tonumber(found[i + 1]), found[i], found[i + 1] }
    end
  end
end

local function read(set, from, to, count)
  return redis.call(
    "ZRANGE", set, from, to, "BYSCORE", "REV", "LIMIT", 0, count, "WITHSCORES"
  )
end

-- Of a set with more than these, nobody knows what comes below its last one.
local last = {}
local all_down_to
for _, set in ipairs(sets) do
  local found = read(set, below, least, of_each)
  add(set, found)
  if #found == 2 * of_each then
    last[set] = found[#found]
    if not all_down_to or tonumber(last[set]) > tonumber(all_down_to) then
      all_down_to = last[set]
    end
  end
end
-- Others may have been received at the same time as the last one.
for set, time in pairs(last) do
  if tonumber(time) == tonumber(all_down_to) then
    add(set, read(set, time, time, -1))
  end
end

table.sort(entries, function(one, other)
  return one[1] > other[1] or one[1] == other[1] and one[2] > other[2]
end)
local flat, known = {}, {}
for _, entry in ipairs(entries) do
  if not known[entry[2]] and (not all_down_to or entry[1] >= tonumber(all_down_to)) then
    known[entry[2]] = true
    flat[#flat + 1] = entry[2]
    flat[#flat + 1] = entry[3]
  end
end
return { flat, all_down_to or "" }
