// ALTCHA's widget, for forms that ask for a proof of work: on our own pages, and on websites whose
// form has <altcha-widget challenge="…/f/NAME/challenge"></altcha-widget> and loads this module.
//
// The work begins when the visitor sends the form, which waits for it. Nothing here stops a visitor: a
// form whose work cannot be done, or takes too long, is sent without it, and the sign-up waits in
// quarantine.

import "./vendor/altcha/altcha.min.js";

const WIDGET = "altcha-widget";
const PATIENCE = 30_000; // milliseconds, from the press of the button
const TEXTS = { de: "de.js", es: "es-es.js", fr: "fr-fr.js" };
const addressOf = (name) => new URL(`vendor/altcha/${name}`, import.meta.url).href;

// --- the work

const toBytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// Return the first solution among every `step`th counter from `counter` on; null if time is up.
async function solve({ nonce, salt, cost, keyLength, keyPrefix }, counter, step, goesOn) {
  const password = new Uint8Array([...toBytes(nonce), 0, 0, 0, 0]);
  const end = new DataView(password.buffer, password.length - 4);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: toBytes(salt), iterations: cost };
  for (; goesOn(); counter += step) {
    end.setUint32(0, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const bits = await crypto.subtle.deriveBits(how, key, keyLength * 8);
    const derivedKey = toHex(new Uint8Array(bits));
    if (derivedKey.startsWith(keyPrefix)) return { counter, derivedKey };
  }
  return null;
}

// What the widget takes for a worker. Browsers derive keys on threads of their own, so the page
// stays quick; and many websites' policies allow no worker of another site.
class Solver extends EventTarget {
  async postMessage({ type, challenge, counterStart, counterStep, timeout }) {
    if (type !== "work") return this.terminate();
    const ends = performance.now() + timeout;
    const goesOn = () => !this.ended && performance.now() < ends;
    const data = await solve(challenge.parameters, counterStart, counterStep, goesOn).catch(
      (error) => ({ error }),
    );
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  terminate() {
    this.ended = true;
  }
}

$altcha.algorithms.set("PBKDF2/SHA-256", () => new Solver());
$altcha.defaults.set({
  auto: "onsubmit",
  hideFooter: true,
  hideLogo: true,
  humanInteractionSignature: false, // it would watch the pointer and the keys
  minDuration: 0,
  timeout: PATIENCE,
});

// Over plain http, browsers derive no keys. The widget would only say so.
if (!isSecureContext) for (const widget of document.querySelectorAll(WIDGET)) widget.remove();

// --- how it looks

const language = (document.documentElement.lang || navigator.language).slice(0, 2);
if (language in TEXTS) import(addressOf(TEXTS[language]));

const styles = addressOf("altcha.css");
if (![...document.styleSheets].some(({ href }) => href === styles)) {
  // A constructed style sheet needs no `style-src`.
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  fetch(styles).then(async (answer) => sheet.replaceSync(await answer.text()));
}

// --- a visitor who waits for the work, and one who cannot do it

// By widget: how its form was sent, while the work is done: {submitter, isLate}. `isLate` if the work
// was going on already, as the visitor had ticked the box.
const sending = new WeakMap();
// By widget: the buttons that nobody can press meanwhile.
const held = new WeakMap();

function hold(form, widget) {
  const buttons = [...form.querySelectorAll("button, input")].filter(
    ({ type, disabled }) => type === "submit" && !disabled,
  );
  held.set(widget, buttons);
  for (const button of buttons) button.disabled = true;
  form.ariaBusy = "true";
}

function release(form, widget) {
  for (const button of held.get(widget) ?? []) button.disabled = false;
  form.ariaBusy = null;
  if (document.activeElement === document.body) sending.get(widget).submitter?.focus();
}

function wait(widget, press) {
  sending.set(widget, press);
  setTimeout(() => sending.get(widget) === press && giveUp(widget), PATIENCE);
}

// Stop a press of the button while the work is done. It counts as soon as that is.
function putOff(event, widget, submitter) {
  event.preventDefault();
  event.stopImmediatePropagation();
  if (sending.has(widget)) return;
  wait(widget, { submitter, isLate: true });
  hold(widget.closest("form"), widget);
}

function giveUp(widget) {
  if (!widget.isConnected) return; // the page has thrown the form away
  widget.reset(); // which stops the work
  widget.setState("error");
}

// In the capturing phase of the document, all of this comes before the widget and other scripts.
const listen = (type, act) => document.addEventListener(type, act, true);

listen("submit", (event) => {
  const { target: form, submitter } = event;
  const widget = form.querySelector(WIDGET);
  const state = widget?.getState?.();
  if (state === "unverified") wait(widget, { submitter });
  if (state === "verifying") putOff(event, widget, submitter);
});

// The widget has its box fail the browser's check while the work is done, unless the form has none.
listen("invalid", (event) => {
  const widget = event.target.closest(WIDGET);
  if (widget?.getState?.() !== "verifying") return;
  const { form, type } = document.activeElement;
  putOff(event, widget, type === "submit" && form === event.target.form ? document.activeElement : null);
});

listen("statechange", ({ target: widget, detail }) => {
  if (widget.localName !== WIDGET || !sending.has(widget)) return;
  const form = widget.closest("form");
  if (detail.state === "verifying") return hold(form, widget);
  const { submitter, isLate } = sending.get(widget);
  release(form, widget);
  if (detail.state === "error" || (detail.state === "verified" && isLate)) {
    form.requestSubmit(submitter);
  }
  if (detail.state !== "unverified") sending.delete(widget);
});

// An old solution would count no more. The next press of the button makes a new one.
listen("expired", ({ target }) => {
  if (target.localName === WIDGET) target.reset();
});
