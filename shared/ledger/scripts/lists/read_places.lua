-- Reads which sign-ups of some accounts were received last, from a time on back, all at the same
-- moment. What is due and was never claimed is in due:fresh alone, scored by when it was received.
--
-- ARG accounts  json  list of the prefixes of the accounts' keys
-- ARG states  json  list of states; "due" for all that is due, "claimed" for what was claimed before
-- ARG reason  text?  of dead letters
-- ARG form  text?  of dead letters
-- ARG group  text?  of dead letters
-- ARG is_upgraded  flag  whether all records have format 4; else some are found by other times
-- ARG below  text  the time (ms), or "+inf"; with "(" before it, without those received then
-- ARG least  text  the time (ms) down to which to read, or "-inf"
-- ARG most  number  about how many of each account
-- INCLUDE stored
--
-- Returns for each account {flat list of ids and times, the last received first; down to which time
-- these are all, or "" if no others are left}.

-- The group of all others has members of several forms.
local function may_match(common)
  return (not reason or common.reason == reason)
    and (not form or not common.form or common.form == form)
end

-- Returns the ids of the groups that may have what is looked for.
local function groups(of)
  if not (reason or form) then
    return redis.call("HKEYS", of .. "dead-groups")
  end
  local found, stored = {}, redis.call("HGETALL", of .. "dead-groups")
  for i = 1, #stored, 2 do
    local common = decoded(stored[i + 1])
    if not common or may_match(common) then
      found[#found + 1] = stored[i]
    end
  end
  return found
end

-- Returns the sorted sets of dead letters. Those that nobody can read are a group by themselves.
local function dead_letters(of)
  if group then
    return { of .. (group == "unreadable" and "dead:unreadable" or "dead-group:" .. group) }
  elseif not is_upgraded then
    return { of .. (reason and "dead:" .. reason or "dead") }
  end
  local found = {}
  for place, each in ipairs(groups(of)) do
    found[place] = of .. "dead-group:" .. each
  end
  if not reason or reason == "unreadable" then
    found[#found + 1] = of .. "dead:unreadable"
  end
  return found
end

local function sets_of(of, state)
  if state == "due" then
    return { of .. "unsettled", of .. "due:fresh" }
  elseif state == "claimed" then
    return { of .. "unsettled" }
  elseif state == "dead" then
    return dead_letters(of)
  end
  local received = of .. "received:" .. state
  return is_upgraded and { received } or { received, of .. state }
end

local function all_sets(of)
  local sets = {}
  for _, state in ipairs(states) do
    for _, set in ipairs(sets_of(of, state)) do
      sets[#sets + 1] = set
    end
  end
  return sets
end

-- Returns another sorted set that tells better when those in this one were received, or nil.
local function better_than(of, set)
  local state = string.sub(set, #of + 1)
  if state == "due:fresh" then
    return of .. "unsettled"
  elseif state == "delivered" or state == "discarded" or state == "quarantined" then
    return of .. "received:" .. state
  end
end

-- Adds what the sorted set has between these times to the entries, each {time, id, time as a text}.
-- Returns the last time, if there may be more.
local function add(entries, of, set, from, to, count)
  local found = redis.call(
    "ZRANGE", set, from, to, "BYSCORE", "REV", "LIMIT", 0, count, "WITHSCORES"
  )
  local better = better_than(of, set)
  for i = 1, #found, 2 do
    if not better or not redis.call("ZSCORE", better, found[i]) then
      entries[#entries + 1] = { tonumber(found[i + 1]), found[i], found[i + 1] }
    end
  end
  return #found == 2 * count and found[#found] or nil
end

-- Returns the entries of all sets, and down to which time these are all. Of a set with more than was
-- read of it, nobody knows what comes below its last one.
local function read(of)
  local sets, entries, last, all_down_to = all_sets(of), {}, {}, nil
  local of_each = math.max(5, math.ceil(most / math.max(1, #sets / 2)))
  for _, set in ipairs(sets) do
    last[set] = add(entries, of, set, below, least, of_each)
    if last[set] and (not all_down_to or tonumber(last[set]) > tonumber(all_down_to)) then
      all_down_to = last[set]
    end
  end
  -- Others may have been received at the same time as the last one.
  for set, time in pairs(last) do
    if tonumber(time) == tonumber(all_down_to) then
      add(entries, of, set, time, time, -1)
    end
  end
  return entries, all_down_to
end

local function last_first(one, other)
  return one[1] > other[1] or one[1] == other[1] and one[2] > other[2]
end

local function flattened(entries, all_down_to)
  local flat, known = {}, {}
  table.sort(entries, last_first)
  for _, entry in ipairs(entries) do
    if not known[entry[2]] and (not all_down_to or entry[1] >= tonumber(all_down_to)) then
      known[entry[2]] = true
      flat[#flat + 1] = entry[2]
      flat[#flat + 1] = entry[3]
    end
  end
  return flat
end

local found = {}
for place, each in ipairs(accounts) do
  local entries, all_down_to = read(each)
  found[place] = { flattened(entries, all_down_to), all_down_to or "" }
end
return found
