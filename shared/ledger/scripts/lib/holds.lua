-- Holds are kept as JSON by reason, on the account or on its API key. Each is ended only by its own
-- cause. While any is active, the account's clock of held time runs, so that no sign-up ages.
--
-- NEEDS account
-- INCLUDE clock account stored

-- Returns how long an account has been on hold in its life, in milliseconds, and since when it is
-- now, if it is. Its keys begin with `of`.
local function read_clock(of)
  local stored = redis.call("HMGET", of .. "clock", "held", "since")
  local since = tonumber(stored[2])
  return tonumber(stored[1] or 0) + (since and math.max(0, now - since) or 0), since
end

-- Returns how long the account has been on hold in its life, as records have it: nil for 0.
local function held_mark()
  local held = read_clock(account)
  return held ~= 0 and held or nil
end

-- Starts the clock of held time when the account is on hold, and else stops it. Returns its time.
local function run_clock(of, held)
  local time, since = read_clock(of)
  if held and not since then
    redis.call("HSET", of .. "clock", "since", now)
  elseif since and not held then
    redis.call("HSET", of .. "clock", "held", time)
    redis.call("HDEL", of .. "clock", "since")
  end
  return time
end

local function update_clock(of)
  run_clock(of, redis.call("HLEN", of .. "holds") + redis.call("HLEN", api_key .. "holds") > 0)
end

-- A hold on the API key concerns all its accounts.
local function update_clocks(prefix)
  if prefix == account then
    return update_clock(account)
  end
  for _, each in ipairs(redis.call("SMEMBERS", api_key .. "accounts")) do
    update_clock(each)
  end
end

local function save_hold(prefix, reason, hold)
  redis.call("HSET", prefix .. "holds", reason, cjson.encode(hold))
  update_clocks(prefix)
end

local function end_hold(prefix, reason)
  if redis.call("HDEL", prefix .. "holds", reason) == 1 then
    update_clocks(prefix)
  end
end

-- Returns the hold. One that nobody can read still holds, until an operator releases it.
local function read_hold(stored)
  local hold = decoded(stored)
  if hold and type(hold.since) == "number" and type(hold.probes) == "number" then
    for _, name in ipairs({ "until", "probe_at", "planned_at", "refused_at" }) do
      hold[name] = type(hold[name]) == "number" and hold[name] or nil
    end
    return hold
  end
  return { since = now, probes = 0, by = "", note = "its record cannot be read" }
end

-- Calls visit(prefix, reason, hold) for each active hold; ends those whose time is over. Returns
-- whether any is active.
local function each_hold(visit)
  local held = false
  for _, prefix in ipairs({ account, api_key }) do
    local stored = redis.call("HGETALL", prefix .. "holds")
    for i = 1, #stored, 2 do
      local hold = read_hold(stored[i + 1])
      if hold["until"] and hold["until"] <= now then
        end_hold(prefix, stored[i])
      else
        held = true
        visit(prefix, stored[i], hold)
      end
    end
  end
  return held
end

local function drop_ended_holds()
  each_hold(function() end)
end

-- Returns when the next probe is. One that an operator asked for changes nothing about the others.
local function next_probe(hold, planned_at, first_probe, longest_probe)
  local next_at = now + math.min(longest_probe, first_probe * 2 ^ hold.probes)
  return planned_at and planned_at > now and math.min(planned_at, next_at) or next_at
end

-- Begins a hold, or continues the active one: its beginning does not change, and every further
-- refused probe doubles the time to the next one, but for those that an operator asked for. The last
-- refusal is noted, also if it is the first: so a step that is repeated does not look like another
-- one. `new` has until, by and note. Without `first_probe` (milliseconds) it is not probed at all.
-- Returns 1 when the hold is new, else 0.
local function begin_hold(prefix, reason, new, first_probe, longest_probe)
  local stored = redis.call("HGET", prefix .. "holds", reason)
  local hold = stored and read_hold(stored) or { since = now, probes = 0 }
  local planned_at = hold.planned_at
  if not planned_at and hold.probe_at and hold.probe_at <= now then
    hold.probes = hold.probes + 1 -- the probe failed before there was anything to claim
  end
  hold["until"], hold.by, hold.note = new["until"], new.by, new.note
  hold.probe_at = first_probe and next_probe(hold, planned_at, first_probe, longest_probe) or nil
  hold.planned_at = nil
  hold.refused_at = now
  save_hold(prefix, reason, hold)
  return stored and 0 or 1
end

-- A sign-up that is sent to probe holds names them in its field `probe`: reason and beginning, as
-- another hold for the same reason may have begun after it.
local function mark_of(reason, hold)
  return reason .. " " .. text(hold.since) .. ";"
end

-- Returns the reason of a hold that forbids sending now, or nil. A hold that is to be probed now
-- does not forbid it; the second result lists those. A hold that is in `probe`, the mark of an open
-- claim, does not forbid it either: that claim probes it already. The third result tells whether
-- any hold is active.
local function forbidding_hold(probe)
  local forbidding, probed = nil, {}
  local held = each_hold(function(prefix, reason, hold)
    if probe and string.find(probe, mark_of(reason, hold), 1, true) then
      return
    elseif hold.probe_at and hold.probe_at <= now then
      probed[#probed + 1] = { prefix, reason, hold }
    else
      forbidding = reason
    end
  end)
  return forbidding, probed, held
end

-- Notes that a claim probes these holds. No other may do so while the claim lasts: its outcome
-- says when the next probe is. Returns the claim's mark.
local function take_probes(probed, lease)
  local mark = ""
  for _, entry in ipairs(probed) do
    local prefix, reason, hold = entry[1], entry[2], entry[3]
    if not hold.planned_at then -- else an operator asked for it
      hold.probes = hold.probes + 1
    end
    hold.probe_at = now + lease
    save_hold(prefix, reason, hold)
    mark = mark .. mark_of(reason, hold)
  end
  return mark
end

-- Calls visit(prefix, reason, hold) for each hold that is in `probe`, the mark of a claim or nil.
local function each_probed(probe, visit)
  if not probe then
    return
  end
  each_hold(function(prefix, reason, hold)
    if string.find(probe, mark_of(reason, hold), 1, true) then
      visit(prefix, reason, hold)
    end
  end)
end

-- The answer to a probe showed that all is well: ends the probed holds, and no others.
local function end_probed_holds(probe)
  each_probed(probe, end_hold)
end

-- The probe was not sent after all: another sign-up may probe at once.
local function free_probes(probe)
  each_probed(probe, function(prefix, reason, hold)
    if hold.probe_at then
      hold.probe_at = now
      save_hold(prefix, reason, hold)
    end
  end)
end

-- Returns when the API key's day ends: 00:00 UTC, and some of the following half minute.
local function next_midnight(jitter)
  return (math.floor(now / DAY) + 1) * DAY + math.floor(jitter * 30000)
end
