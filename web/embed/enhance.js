/* Sends the forms that post here without leaving the page. Everything that this script does not
   understand stays with the browser: other addresses, other methods, frames, and submits that the
   page itself has prevented. */

const jobs = new Map(); /* by slot: what was submitted, and is not acknowledged yet */
const errors = new Map(); /* the shown ones, with their inputs */
const held = new Set(); /* the buttons that are disabled while something is sent */

let isShutOut = false; /* the page may not send to the relay by script */
let isPassing = false; /* the browser posts a form now, as we could not */

/* What a button says about where the form goes, such as `formaction`, wins over the form. */
function chosen(form, button, name) {
  const own = "form" + name;
  return button?.hasAttribute(own) ? button[own] : read(form, name.toLowerCase());
}

/* The address that the form posts to, if that is ours; else "". */
function addressOf(form, button) {
  const address = chosen(form, button, "Action");
  const how = chosen(form, button, "Method") + chosen(form, button, "Target");
  return /^post(_|$)/.test(how) && isOurs(address) ? address : "";
}

/* What the form says, and which page it is on, as browsers tell only its origin, and the page before
   it. Of their queries, which may name a person, only the campaign goes out. Files are sent by their
   names, which is all that the relay keeps of them. */
function bodyOf(form, button) {
  const sent = [...new FormData(form, button)].map(([name, value]) => [name, value.name ?? value]);
  const campaign = location.search.match(/utm_\w+=[^&]*/g) ?? [];
  const bare = (url) => url.split(/[?#]/)[0];
  sent.push(["_page", `${bare(location.href)}?${campaign.join("&")}`]);
  sent.push(["_referrer", bare(document.referrer)]);
  return String(new URLSearchParams(sent));
}

/* The body without what changes while a person's answers stay the same: what our own script, or the
   page, says to the relay, besides the choice of lists. */
function content({ body }) {
  return body.replace(/(^|&)(_(?!lists)\w+|altcha)=[^&]*/g, "");
}

/* Called for each form of the page, once, when it is there. */
function enhance(form) {
  if (!addressOf(form)) return;
  unshare(form);
  const slot = slotOf(form);
  restore(form, load(slot).values ?? []);
  const job = jobs.get(slot);
  if (!job) return;
  job.form = form;
  show(form, "sending");
  job.wake?.();
}

/* A snippet that is on the page twice may have ids. Then its second labels lead into the first. */
function unshare(form) {
  for (const label of form.querySelectorAll("label")) {
    const input = read(form, "elements")[label.htmlFor];
    if (input?.id == label.htmlFor && label.control != input) label.htmlFor = input.id = newId();
  }
}

/* Goes on with what was submitted before the page was left or loaded anew. */
function resume() {
  for (const slot of Object.keys(storage)) {
    if (!slot.startsWith("relay:" + relay)) continue;
    const kept = load(slot);
    save(slot, kept); /* or remove it, if it is too old */
    if (kept.send && !jobs.has(slot)) deliver({ slot, send: kept.send });
  }
}

function onInput({ target }) {
  const form = target.form;
  if (isRestoring || !form || !addressOf(form)) return;
  const job = jobs.get(slotOf(form));
  if (job) job.isEdited = true;
  clearErrors(form, target);
  keep(form);
}

function onSubmit(event) {
  const { target: form, submitter: button } = event;
  const address = addressOf(form, button);
  if (!address) return;
  const slot = slotOf(form);
  if (event.defaultPrevented || isShutOut || isPassing) return save(slot, {});
  if (form.querySelector("altcha-widget:not(:defined)")) {
    return hold({ form, button }, event.preventDefault());
  }
  const key = `${Math.random()}${Math.random()}`; /* unlike all others; it keeps no secret */
  const send = { address, body: bodyOf(form, button), language: languageOf(form), key };

  /* The same content keeps its key: after a double click, after a reload, and when a visitor presses
     the button again while we wait. */
  const before = jobs.get(slot);
  const isAgain = before && content(before.send) == content(send);
  const job = isAgain ? before : { slot, send };
  Object.assign(job, { form, button, pressed: Date.now(), isEdited: false });
  keep(form, job.send);
  clearErrors(form);
  show(form, "sending");
  event.preventDefault(); /* not before: after a mistake of ours, the browser posts */
  if (isAgain) job.wake?.();
  else deliver(job).catch(() => leaveToBrowser(job));
}

/* Submits the form again when the script of its captcha is there, which then takes over. If it does not
   come, the browser posts, and the page that follows asks for the work once more. */
function hold(job) {
  show(job.form, "sending");
  const late = new Promise((_, reject) => setTimeout(reject, 3e4));
  Promise.race([loadCaptcha(), late]).then(
    () => again(job),
    () => leaveToBrowser(job),
  );
}

/* Sends until the relay has answered. Only the latest job of a slot goes on. */
async function deliver(job) {
  const { slot, send } = job;
  jobs.set(slot, job);
  for (let pause = 1000; jobs.get(slot) == job; pause = Math.min(2 * pause, 60000)) {
    const answer = await post(send);
    /* If the relay itself answers, and posting fails again, then the form does not accept this origin,
       or something else forbids it. Browsers do not say what. The relay lets every page read that
       nothing is at `/f/`; a proxy's page that it is away, nobody. */
    const doubt = answer.isBlocked && (await fetch(relay + "f/").catch(() => {}));
    if (jobs.get(slot) != job) return;
    const { status, ok, errors, after } = answer;
    if (ok) return received(job, answer);
    if (errors?.length || /^[1-4](?!29)/.test(status)) return refused(job, answer);
    isShutOut ||= doubt && job.doubt;
    if (isShutOut && job.pressed) return leaveToBrowser(job);
    job.doubt = doubt;
    wait(job, status);
    await new Promise((resolve) => {
      job.wake = resolve;
      setTimeout(resolve, Math.max(pause, after || 0) * (1 + Math.random() / 4));
    });
  }
}

/* Returns the relay's answer, with status 0 if there was none. */
async function post({ address, body, language, key }) {
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { Accept: "application/json", "Accept-Language": language, "Idempotency-Key": key },
      body: new URLSearchParams(body),
      keepalive: body.length < 6e4 /* as much as browsers allow */,
      signal: AbortSignal.timeout(2e4),
    });
    const after = 1000 * answer.headers.get("Retry-After");
    return { ...(await answer.json().catch(() => {})), status: answer.status, after };
  } catch (error) {
    return { status: 0, isBlocked: error.name == "TypeError" };
  }
}

function again({ form, button }) {
  show(form, "");
  read(form, "requestSubmit").call(form, button);
}

/* The page that follows says what is wrong. */
function leaveToBrowser({ slot, form, button }) {
  jobs.delete(slot);
  isPassing = true;
  again({ form, button });
  isPassing = false;
}

/* Ends the job. Returns whether the page leaves it to us to show what came of it. */
function end(job, name, detail) {
  const { slot, form, isEdited } = job;
  jobs.delete(slot);
  save(slot, name == "error" || isEdited ? { ...load(slot), send: null } : {});
  if (form) show(form, "");
  return tell(form ?? document, name, detail) && form;
}

function received(job, { id, next, message }) {
  const { form, isEdited } = job;
  if (!end(job, "success", { id, next, message })) return;
  const isWaiting = Date.now() - job.pressed < 2e4; /* later, nobody expects another page */
  if (isWaiting && !(isOurs(next) && next.endsWith("/thanks"))) {
    show(form, "sending"); /* until the next page is there */
    open(next, /_top|_parent|$/.exec(read(form, "target"))[0] || "_self");
    return;
  }
  const shown = show(form, "success", message);
  if (isEdited) return;
  read(form, "reset").call(form);
  if (isWaiting) shown.focus();
}

function refused(job, { status, error, errors = [] }) {
  const { form, pressed, isEdited } = job;
  if (!error && form) return leaveToBrowser(job); /* something before the relay has answered */
  if (!end(job, "error", { status, error, errors })) return;
  const homeless = errors.filter((each) => !showError(form, each)).map((each) => each.message);
  const shown = show(form, "error", errors.length ? homeless.join(" ") : error);
  const wrong = inputsOf(form).find((input) => input.ariaInvalid == "true");
  if (pressed && !isEdited) (wrong ?? shown)?.focus(); /* who types on is not interrupted */
}

function wait({ form, button }, status) {
  if (!form || form.dataset.relayState == "waiting") return;
  const error = textOf(form, 1);
  show(form, "waiting", tell(form, "error", { status, error, errors: [] }) ? error : "");
  if (document.activeElement == document.body) button?.focus();
}

/* Shows a state of the form and a text with it. Returns the element with the text. */
function show(form, state, text = state == "sending" ? textOf(form, 0) : "") {
  const isSending = state == "sending";
  form.dataset.relayState = state;
  form.ariaBusy = isSending;
  for (const button of inputsOf(form)) {
    const isFree = button.type == "submit" && !button.disabled;
    if (isSending ? isFree && held.add(button) : held.delete(button)) button.disabled = isSending;
  }
  const message =
    form.querySelector("[data-relay-message]") ??
    form.appendChild(node("p", { "data-relay-message": "", tabindex: -1 }));
  message.role = state == "error" ? "alert" : "status";
  message.hidden = !(message.textContent = text);
  return showBlocks(form, state) ?? message;
}

/* Webflow's forms come with a text for success and one for failure, outside of the form. */
function showBlocks(form, state) {
  const wrapper = form.closest(".w-form");
  const done = wrapper?.querySelector(".w-form-done");
  const fail = wrapper?.querySelector(".w-form-fail");
  if (fail) fail.style.display = state == "error" ? "block" : "none";
  if (!done) return;
  done.style.display = state == "success" ? "block" : "none";
  form.style.display = state == "success" ? "none" : "";
  return state == "success" ? done : undefined;
}

/* Puts an error next to its field. Returns false if the page shows no such field. `name` is what the
   page posted for it; a box that is not ticked posts nothing. */
function showError(form, { field, name, message }) {
  const inputs = inputsOf(form).filter((input) => input.getClientRects().length);
  const type = { email: "email", consent: "checkbox" }[field];
  const input =
    inputs.find((each) => each.name == name) ??
    inputs.find((each) => each.name == field) ??
    inputs.findLast((each) => each.type == type);
  if (!input) return false;
  const id = newId();
  const shown = node("p", { "data-relay-error": "", id, role: "alert" }, message);
  (input.closest("label") ?? input).after(shown);
  errors.set(shown, input);
  describe(input, " " + id, "");
  return (input.ariaInvalid = "true");
}

function clearErrors(form, only) {
  for (const [shown, input] of errors) {
    if (input.form != form || (only ?? input) != input) continue;
    describe(input, "", " " + shown.id);
    input.ariaInvalid = null;
    shown.remove();
    errors.delete(shown);
  }
}

/* The page may have a description of its own. */
function describe(input, more, less) {
  const name = "aria-describedby";
  const ids = `${input.getAttribute(name) ?? ""}${more}`.replace(less, "");
  input[ids ? "setAttribute" : "removeAttribute"](name, ids);
}
