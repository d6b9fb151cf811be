-- The counts of an account's forms.
--
-- NEEDS account
-- INCLUDE stored

-- Moves one of a form's counts: accepted, quarantined (now), or screened (ever quarantined).
local function count_form(form, name, by)
  add_to(account .. "forms", name .. ":" .. form, by)
end
