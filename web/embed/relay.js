/* What all sources share. They run in one function, in the order of `script.py`, so each can call
   what any other declares. The relay is where this script came from. */

/* An <img name="currentScript"> of a stranger hides the real one. A module has none. */
const { currentScript } = document;
const script =
  currentScript instanceof HTMLScriptElement
    ? currentScript
    : document.querySelector('script[type=module][src*="/embed.js"]');
if (!script) return;
const relay = new URL(".", script.src).href;

/* A page may have the script twice, and sites that change pages by script may run it again. */
if (window[relay]) return;
window[relay] = 1;

/* Said while the relay may be away. All other texts come from it. */
const TEXTS = {
  en: ["Sending…", "Not sent yet. We keep trying while this page is open."],
  es: ["Enviando…", "Aún no se ha enviado. Seguimos intentándolo con esta página abierta."],
  fr: ["Envoi…", "Pas encore envoyé. Nous réessayons tant que cette page est ouverte."],
  de: ["Wird gesendet…", "Noch nicht gesendet. Wir versuchen es, solange diese Seite offen ist."],
};

/* A property of a form, whatever its inputs are called: <input name="action"> hides form.action. */
function read(form, name) {
  return Reflect.get(HTMLFormElement.prototype, name, form);
}

function inputsOf(form) {
  return [...read(form, "elements")];
}

/* Browsers write both addresses in the same way. */
function isOurs(address) {
  return address.startsWith(relay + "f/");
}

/* The language of this part of the page, or else the browser's. A header takes no other signs. */
function languageOf(element) {
  const said = element.closest("[lang]")?.getAttribute("lang") ?? "";
  return `${said} ${navigator.language} en`.match(/[a-z\d-]+/i)[0];
}

/* Returns false if the page wants to do itself what follows. */
function tell(element, name, detail) {
  return element.dispatchEvent(
    new CustomEvent("relay:" + name, { bubbles: true, cancelable: true, detail }),
  );
}

function textOf(form, place) {
  return (TEXTS[languageOf(form).slice(0, 2)] ?? TEXTS.en)[place];
}
