/* Keeps what was typed into a form, and what was submitted and not sent yet, until the relay has
   acknowledged it: in sessionStorage, so in this tab and for this website alone, a day at most.

   Each form has a slot: {at, values, send}. `at` is when it began, `values` what was
   typed, and `send` {address, body, key, language} what was submitted. If storage is forbidden or
   full, nothing is kept, and all else works. */

let storage = {};
try {
  storage = sessionStorage;
} catch {}
let isRestoring = false;

const slots = new WeakMap(); /* by form, for as long as the page has it */

/* The same on every page of the website, as a form in the footer keeps what was typed: the form's
   address with its `id`, or with the names of its inputs. Of forms that are alike, the first to come
   gets the first slot, and each keeps its own, wherever it moves. */
function slotOf(form) {
  const name = form.getAttribute("id") || typedInto(form).map((input) => input.name);
  let slot = `relay:${read(form, "action")} ${name}`;
  while ([...document.forms].some((other) => slots.get(other) == slot)) slot += "+";
  if (!slots.has(form)) slots.set(form, slot);
  return slots.get(form);
}

function load(slot) {
  const kept = JSON.parse(storage[slot] ?? "{}");
  return Date.now() - kept.at < 864e5 ? kept : { at: Date.now() };
}

function save(slot, kept) {
  delete storage[slot];
  try {
    if (kept.values || kept.send) storage[slot] = JSON.stringify(kept);
  } catch {}
}

/* Returns the inputs that post something which a visitor chooses, and which may be kept. Neither
   hidden inputs, nor buttons, nor what is no input. */
function typedInto(form) {
  return inputsOf(form).filter(
    (input) =>
      input.name && !isSecret(input) && !/^(hidden|submit|button|reset|fieldset|o)/.test(input.type),
  );
}

const secrets = new Set(); /* the names of passwords, which a page may show as text afterwards */

function isSecret({ name, type, autocomplete }) {
  if (type == "password") secrets.add(name);
  return secrets.has(name) || /^file|password|one-time|cc-/i.test(`${type} ${autocomplete} ${name}`);
}

/* Called for each input that is a password, once. It may have been text before. */
function forget(input) {
  if (isSecret(input) && input.form && storage[slotOf(input.form)]) keep(input.form);
}

function stateOf(input) {
  if (input.options) return [...input.selectedOptions].map((each) => each.value);
  return /^(check|radio)/.test(input.type) ? input.checked : input.value;
}

/* A form that sends a password or a file is not sent later: neither may be kept. */
function keep(form, send) {
  const slot = slotOf(form);
  const values = typedInto(form).map((input) => [input.name, stateOf(input)]);
  const hasSecret = inputsOf(form).some((input) => isSecret(input) && input.value);
  const kept = load(slot);
  save(slot, { ...kept, values, send: !hasSecret && (send ?? kept.send) });
}

/* Puts the values in as a visitor would, so that the page's own script learns of them. What somebody
   has typed meanwhile stays. */
function restore(form, values) {
  isRestoring = true;
  for (const input of typedInto(form)) {
    const value = values.find(([name]) => name == input.name);
    if (!value) continue;
    put(input, value[1]);
    value[0] = null; /* the next input of that name gets the next value */
  }
  isRestoring = false;
}

function put(input, state) {
  if (String(state) == String(stateOf(input))) return;
  /* No box is ticked for somebody: its text may be another one by now, and a consent is an act. One
     that they have emptied is emptied again. Of radio buttons, the chosen one is clicked. */
  if (state === !input.checked) return (input.type == "checkbox") == state || input.click();
  if (input.value != (input.defaultValue ?? input.value)) return;
  if (input.options) for (const each of input.options) each.selected = state.includes(each.value);
  else Reflect.set(Object.getPrototypeOf(input), "value", state, input); /* React hides this one */
  for (const type of ["input", "change"]) input.dispatchEvent(new Event(type, { bubbles: true }));
}
