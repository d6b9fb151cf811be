-- Notes how much memory Redis uses: often for the last hours, and now and then for the last weeks.
-- Safe to repeat, by any number of workers: the first one in each slot of time counts.
--
-- KEY history  relay:memory
-- ARG used  text  bytes
-- LIMIT MEMORY_SLOT  milliseconds
-- LIMIT MEMORY_SLOTS  number
-- LIMIT LONG_MEMORY_SLOT  milliseconds
-- LIMIT LONG_MEMORY_SLOTS  number
-- INCLUDE clock
--
-- Returns 1.

-- A note of another time than the slots kept goes, also one of a clock that was turned back since.
local function forget_old(kind, slot, kept)
  for _, field in ipairs(redis.call("HKEYS", history)) do
    local of, noted = string.match(field, "^(%a+):(%d+)$")
    if of == kind and math.abs(slot - tonumber(noted)) >= kept then
      redis.call("HDEL", history, field)
    end
  end
end

local function note(kind, every, kept)
  local slot = math.floor(now / every)
  if redis.call("HSETNX", history, kind .. ":" .. text(slot), text(now) .. " " .. used) == 1 then
    forget_old(kind, slot, kept)
  end
end

note("short", MEMORY_SLOT, MEMORY_SLOTS)
note("long", LONG_MEMORY_SLOT, LONG_MEMORY_SLOTS)
return 1
