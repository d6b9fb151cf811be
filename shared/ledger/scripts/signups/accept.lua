-- Accepts a sign-up: recognizes duplicates, writes the record, and makes it due. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- KEY network?  relay:visitors:<fingerprint>; none when the visitor is not limited
-- KEY erased  relay:erased
-- ARG id  text  of the sign-up
-- ARG form  text  its form
-- ARG sent  text  the contact and what else is sent, as JSON
-- ARG consent  text  as JSON, without its text
-- ARG consent_version  text  which names the text
-- ARG consent_text  text  what the visitor read
-- ARG person  text  fingerprint of the person
-- ARG content  text  fingerprint of all that makes two submissions the same one
-- ARG idempotency_key  text?  fingerprint of the Idempotency-Key
-- ARG place  text  the visitor's place in the network
-- ARG visitor_limit  number  how many sign-ups a visitor may send
-- ARG visitor_window  milliseconds  in which time
-- ARG person_limit  number  how many different sign-ups a person may send; 0 for any number
-- ARG person_window  milliseconds  in which time
-- ARG quarantine  text?  why it is quarantined
-- ARG if_busy  text?  why it is quarantined if its network is busy, as JSON
-- ARG solution  text?  names the captcha's challenge that was solved for it
-- ARG waited  milliseconds  how long it waited on web's disk since it was received
-- LIMIT NEVER_SENT  number
-- LIMIT DUPLICATE_WINDOW  milliseconds
-- LIMIT IDEMPOTENCY_KEY_LIFE  milliseconds
-- LIMIT SOLUTION_LIFE  milliseconds
-- LIMIT MOST_COMPARED  number
-- LIMIT MOST_REPEAT_KEYS  number
-- LIMIT REPEAT_NOTED_EVERY  milliseconds
-- LIMIT NOTIFY_INTERVAL  milliseconds
-- INCLUDE clock account busy record forms holds lines visitors
-- LATE load_record save_record sent_consent_history join_line note_unsettled stay_out_of_line
-- LATE count_repeat update_clock note_busy
--
-- Returns {"accepted", id, 1 when the workers are to be notified}, {"duplicate", id of the first},
-- {"key_reused"} or {"limited", ms until the visitor may send again}.

local key, by_key = signup(id), idempotency_key and account .. "seen:" .. idempotency_key
local received = waited == 0 and moment or string.format("%.3f", now_us / 1000 - waited)
local of_older_format = account .. "email:" .. person

-- Most sign-ups are new in every way: their id, their key and their visitor, and their person has
-- no other. One step finds that out; the others take some more, and functions that are made late.
local all_new = waited == 0
  and redis.call(
    "EXISTS", key, of_person(person), of_older_format, by_key or key, visitor_key or key
  ) == 0

if not all_new then
  late()
  local visitor = network and string.match(network, "[^:]+$") .. ":" .. place
  -- What a visitor's repeat of somebody else's sign-up leaves, so that from then on everything is as
  -- if that repeat had been a sign-up of the visitor's own: to the visitor, and to everybody.
  local visitors_mark = visitor and account .. "seen:" .. content .. ":" .. visitor
  local common_mark = visitor and account .. "seen:" .. content .. ":all"

  -- The person's sign-ups that may have been received shortly before or after this one: the latest
  -- unsettled ones, and those of the others that were.
  local function received_about_then()
    local all, found = of_person(person), {}
    if redis.call("SCARD", of_older_format) <= MOST_COMPARED then
      found = redis.call("SMEMBERS", of_older_format)
    end
    local from = (tonumber(received) - DUPLICATE_WINDOW) * 1000
    local to = (tonumber(received) + DUPLICATE_WINDOW) * 1000
    local function settled(shift)
      local first, last = text(-to - shift), text(-from - shift)
      return redis.call("ZRANGE", all, first, last, "BYSCORE", "LIMIT", 0, MOST_COMPARED)
    end
    for _, some in ipairs({
      redis.call("ZRANGE", all, "+inf", "(0", "BYSCORE", "REV", "LIMIT", 0, MOST_COMPARED),
      settled(0),
      settled(NEVER_SENT),
    }) do
      for _, other in ipairs(some) do
        found[#found + 1] = other
      end
    end
    return found
  end

  -- A sign-up that came with a reason for quarantine has no `content`, so that a clean second try
  -- passes.
  local function first_of_content()
    for _, other in ipairs(received_about_then()) do
      local stored = load_record(other)
      local apart = stored
        and stored.content == content
        and math.abs(tonumber(stored.received_at) - tonumber(received))
      if apart and apart < DUPLICATE_WINDOW then
        return other
      end
    end
  end

  -- Returns the visitor who gave a consent (JSON): of an IPv4 address all, of an IPv6 one the /64.
  -- In old ones, a digest is in the address' place.
  local function visitor_in(given)
    local readable, found = pcall(cjson.decode, given)
    local address = readable and (found[3] or found.address)
    if type(address) ~= "string" or not string.find(address, ":", 1, true) then
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

  -- Whether the visitor has sent the sign-up; with `within` (ms), in that time.
  local function came_from_here(other, within)
    local stored = load_record(other)
    if not stored or within and now - tonumber(stored.received_at) >= within then
      return false
    end
    local _, its_consent = sent_consent_history(stored)
    return visitor_in(its_consent) == visitor_in(consent)
  end

  -- Returns the id that the visitor repeated as a stranger, and how many keys came with it since.
  local function read_visitors_mark()
    local mark = visitors_mark and redis.call("GET", visitors_mark)
    if mark then
      local other, keys = string.match(mark, "^(%S+) ?(%d*)$")
      return other, tonumber(keys) or 0
    end
  end

  local function is_marked_own(other)
    return other == read_visitors_mark() and redis.call("PTTL", visitors_mark) > DUPLICATE_WINDOW
  end

  -- Returns a sign-up that strangers have repeated shortly before. Who had a part in it more than
  -- ten minutes ago, and less than twenty, must not see by the answer that others sent it since.
  local function first_of_strangers()
    local other = common_mark and redis.call("GET", common_mark)
    local readable = other and load_record(other)
    local known = readable
      and (other == read_visitors_mark() or came_from_here(other, 2 * DUPLICATE_WINDOW))
    return readable and not known and other or nil
  end

  -- Returns the sign-up that this one repeats, whether it is the visitor's own, and of one with the
  -- same key the content that came with that key.
  local function find_first()
    if redis.call("EXISTS", key) == 1 then
      return id, true
    end
    local under_key = by_key and redis.call("GET", by_key)
    if under_key then
      local its_content, other, by = string.match(under_key, "^(%S+) (%S+) ?(%S*)$")
      local is_own = by == visitor or is_marked_own(other)
        or came_from_here(other, by ~= "" and DUPLICATE_WINDOW)
      return other, is_own, its_content
    end
    local other = read_visitors_mark()
    if other and is_marked_own(other) and redis.call("EXISTS", signup(other)) == 1 then
      return other, true
    end
    other = first_of_content()
    if other then
      return other, came_from_here(other)
    end
    return first_of_strangers(), false
  end

  -- A key that comes with known content means that content from now on. A sign-up that came with a
  -- reason for quarantine has only the key that it came with. A visitor can have a few with repeats
  -- of a sign-up of their own. They are counted beside what makes it theirs, so nobody sees those of
  -- others.
  local function remember_key(first, stored, is_own)
    if not (by_key and stored.content) then
      return
    end
    local marked, known = read_visitors_mark()
    local in_mark = marked == first
    known = in_mark and known or stored.repeat_keys or 0
    local means = content .. " " .. first .. (visitor and " " .. visitor or "")
    if known >= MOST_REPEAT_KEYS
      or not redis.call("SET", by_key, means, "NX", "PX", IDEMPOTENCY_KEY_LIFE)
      or not is_own
    then
      return
    elseif in_mark then
      redis.call("SET", visitors_mark, first .. " " .. text(known + 1), "KEEPTTL")
    else
      stored.repeat_keys = known + 1
      return true
    end
  end

  local function remember_repeat(first, stored, is_own)
    local changed = stored and remember_key(first, stored, is_own)
    if changed or stored and now - (stored.repeated_at or 0) >= REPEAT_NOTED_EVERY then
      stored.repeated_at = now
      save_record(first, stored)
    end
    -- Something is written in any case, so that waiting for the disk waits for the first one's
    -- record, too.
    count("accepted", 0)
  end

  local first, is_own, meant = find_first()
  -- The content of a quarantined one is no mark. So a stranger's repeat of one would get another id
  -- each time, and must get that here, too. A key means the same for everybody and everything.
  if first and (is_own or meant or not quarantine) then
    -- To a stranger, who may have guessed what was sent, it counts as any other sign-up does.
    is_own = is_own or not network
    local wait
    if not is_own then
      wait = count_visitor(true)
    elseif network then
      wait = count_repeat()
    end
    if wait then
      return { "limited", wait }
    elseif meant and meant ~= content then
      return { "key_reused" }
    end
    local stored = load_record(first)
    -- Only the key makes a robot's sign-up the first one, or a robot's the repeat. From neither may
    -- an ordinary one, which comes with another key or with none, be taken for a repeat.
    if not is_own and not quarantine and stored and stored.content then
      redis.call("SET", visitors_mark, first, "PX", 2 * DUPLICATE_WINDOW)
      redis.call("SET", common_mark, first, "PX", DUPLICATE_WINDOW)
    end
    remember_repeat(first, stored, is_own)
    return { "duplicate", first }
  end
end

local wait, network_is_busy
if network then
  wait, network_is_busy = count_visitor(not all_new)
end
if wait then
  return { "limited", wait }
end

if redis.call("SADD", api_key .. "accounts", account) == 1 then
  late()
  update_clock(account) -- the API key may have been on hold before its first sign-up came
end
-- Another host's disk may still have sign-ups of a person who was erased meanwhile.
local erased_at = waited > 0 and redis.call("ZSCORE", erased, person)
if erased_at and tonumber(erased_at) >= tonumber(received) then
  count("accepted", 1)
  count("discarded", 1)
  count_form(form, "accepted", 1)
  return { "accepted", id, 0 }
end

-- Many sign-ups of one network mean nothing alone: a school or a fair has one address. Web has said
-- what they add to. It leaves no mark either, so that a second try later passes.
if network_is_busy and if_busy and not quarantine then
  quarantine = cjson.decode(if_busy).reasons[1]
  sent = '{"quarantine":' .. if_busy .. "," .. string.sub(sent, 2)
end

-- A solution counts for one sign-up. Only here is it used up: who was refused above may send it
-- again.
if solution and not quarantine
  and not redis.call("SET", account .. "solved:" .. solution, id, "NX", "PX", SOLUTION_LIFE)
then
  quarantine = "captcha"
end

-- A person's sign-ups that were received in this time before this one, or since, are counted if they
-- were sent, or will be; the unsettled ones from when they joined the line. Nobody must see by the
-- answers how many there are. So what is one too many is marked like a clean one.
local is_clean = not quarantine
if is_clean and person_limit > 0 and not all_new then
  local all, since = of_person(person), (tonumber(received) - person_window) * 1000
  local in_line = redis.call("ZCOUNT", all, text(since), "+inf")
  local settled = redis.call("ZCOUNT", all, text(-NEVER_SENT), text(-since))
  quarantine = in_line + settled >= person_limit and "repeated_address" or nil
end

-- The record comes before the counts, as a user without the right to it must not move them.
redis.call("HSETNX", account .. "consent-texts", consent_version, consent_text)
local mark, lines, record = held_mark(), "\n" .. sent .. "\n" .. consent, nil
if all_new and not quarantine and not mark then
  -- What save_record makes of most: their first line ends with the queue.
  local stands = cjson.encode({ "queued", form, person, received, content, "fresh" })
  redis.call("SET", key, stands .. lines)
else
  late()
  record = {
    state = quarantine and "quarantined" or "queued",
    form = form, person = person, received_at = received, held_mark = mark, lines = lines,
    content = is_clean and content or nil,
  }
  if quarantine then
    record.reason = quarantine
  else
    record.queue = "fresh"
  end
  save_record(id, record)
end
count("accepted", 1)
count_form(form, "accepted", 1)
chart("accepted", 1)

if by_key and waited < IDEMPOTENCY_KEY_LIFE then -- which begins when it was received
  redis.call("SET", by_key, content .. " " .. id, "PX", IDEMPOTENCY_KEY_LIFE - waited)
end
if quarantine then
  stay_out_of_line(id, record)
  redis.call("ZADD", account .. "quarantined", now, id)
  redis.call("ZADD", account .. "received:quarantined", received, id)
  count("quarantined", 1)
  count_form(form, "quarantined", 1)
  count_form(form, "screened", 1)
  chart("quarantined", 1)
  return { "accepted", id, 0 }
end

if all_new then
  begin_line(id, person, "fresh", received)
elseif not join_line(id, record, received) then
  note_unsettled(id, record)
end
count("due", 1)
-- The flag is gone when the workers have run dry, and soon again while they have not.
local notify = redis.call("SET", account .. "nudged", "1", "NX", "PX", NOTIFY_INTERVAL)
if notify then
  late()
  note_busy(account)
end
return { "accepted", id, notify and 1 or 0 }
