-- Holds: kept as JSON by reason, on the account (A) or on its API key (K), each ended only by
-- its own cause. While any stands, the account's clock of held time runs, so no sign-up ages.

-- Starts or stops the clock of held time of the account whose keys begin with `account`.
local function mind_clock(account)
  local key = account .. "clock"
  local held = redis.call("HLEN", account .. "holds") + redis.call("HLEN", K .. "holds") > 0
  local since = tonumber(redis.call("HGET", key, "since"))
  if held and not since then
    redis.call("HSET", key, "since", text(now))
  elseif since and not held then
    redis.call("HINCRBY", key, "held", text(math.max(0, now - since)))
    redis.call("HDEL", key, "since")
  end
end

-- A hold on the API key concerns all its accounts.
local function mind_clocks(prefix)
  if prefix == A then
    return mind_clock(A)
  end
  for _, account in ipairs(redis.call("SMEMBERS", K .. "accounts")) do
    mind_clock(account)
  end
end

-- Returns for how long the account has been on hold in its life, in milliseconds.
local function held_time()
  local stored = redis.call("HMGET", A .. "clock", "held", "since")
  local running = stored[2] and math.max(0, now - tonumber(stored[2])) or 0
  return tonumber(stored[1] or 0) + running
end

local function save_hold(prefix, reason, hold)
  redis.call("HSET", prefix .. "holds", reason, cjson.encode(hold))
  mind_clocks(prefix)
end

local function end_hold(prefix, reason)
  if redis.call("HDEL", prefix .. "holds", reason) == 1 then
    mind_clocks(prefix)
  end
end

-- Calls visit(prefix, reason, hold) for each hold that stands; ends those whose time is over.
local function each_hold(visit)
  for _, prefix in ipairs({ A, K }) do
    local stored = redis.call("HGETALL", prefix .. "holds")
    for i = 1, #stored, 2 do
      local hold = cjson.decode(stored[i + 1])
      if hold["until"] and hold["until"] <= now then
        end_hold(prefix, stored[i])
      else
        visit(prefix, stored[i], hold)
      end
    end
  end
end

-- Begins a hold, or goes on with the one that stands: since when it stands does not change,
-- and every further refusal doubles the time to the next probe. Without `first_probe`
-- (milliseconds) it is not probed at all.
local function begin_hold(prefix, reason, ends_at, first_probe, longest_probe, by, note)
  local stored = redis.call("HGET", prefix .. "holds", reason)
  local hold = stored and cjson.decode(stored) or { since = now, probes = 0 }
  if hold.probe_at and hold.probe_at <= now then
    hold.probes = hold.probes + 1 -- the probe failed before there was anything to claim
  end
  hold["until"], hold.by, hold.note = ends_at, by, note
  hold.probe_at = nil
  if first_probe then
    hold.probe_at = now + math.min(longest_probe, first_probe * 2 ^ hold.probes)
  end
  save_hold(prefix, reason, hold)
end

-- A sign-up that is sent to probe holds carries them in its field `probe`: reason and since when,
-- as another hold for the same reason may have begun after it.
local function mark_of(reason, hold)
  return reason .. " " .. text(hold.since) .. ";"
end

-- Returns the reason to wait, or nil when nothing stands in the way but holds that are to be
-- probed now, or that `probe`, an open claim's mark, is probing already. Then also the list of
-- the former.
local function standing_hold(probe)
  local standing, probed = nil, {}
  each_hold(function(prefix, reason, hold)
    if probe and string.find(probe, mark_of(reason, hold), 1, true) then
      return
    elseif hold.probe_at and hold.probe_at <= now then
      probed[#probed + 1] = { prefix, reason, hold }
    else
      standing = reason
    end
  end)
  return standing, probed
end

-- Notes that a claim probes these holds, and lets no other do so while the claim stands: its
-- outcome says when the next probe is. Returns the claim's mark.
local function take_probes(probed, lease)
  local mark = ""
  for _, entry in ipairs(probed) do
    local prefix, reason, hold = entry[1], entry[2], entry[3]
    hold.probes = hold.probes + 1
    hold.probe_at = now + lease
    save_hold(prefix, reason, hold)
    mark = mark .. mark_of(reason, hold)
  end
  return mark
end

-- Calls visit(prefix, reason, hold) for each hold that the sign-up's claim probes.
local function each_probed(id, visit)
  local probe = redis.call("HGET", A .. "signup:" .. id, "probe")
  if not probe or probe == "" then
    return
  end
  each_hold(function(prefix, reason, hold)
    if string.find(probe, mark_of(reason, hold), 1, true) then
      visit(prefix, reason, hold)
    end
  end)
end

-- The answer to a probe showed that all is well: ends what was being probed, and nothing else.
local function end_probed_holds(id)
  each_probed(id, end_hold)
end

-- The probe was not sent after all: another sign-up may probe at once.
local function free_probes(id)
  each_probed(id, function(prefix, reason, hold)
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
