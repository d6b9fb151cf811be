/* Draws the form of an element with data-relay-form="FORM". What was in the element, such as a link
   to the hosted form, stays until then, and for good if the form cannot be drawn.

   All of it is nodes and constructed style sheets, which the policy of no site forbids. */

let count = 0;

function newId() {
  return "relay-" + ++count;
}

const worn = new Set();

/* Old browsers cannot construct style sheets. There, the form looks plain. */
function dress(css) {
  if (worn.has(css)) return;
  worn.add(css);
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets.push(sheet);
  } catch {}
}

/* About as high as the shortest form: what follows hardly moves, even if the site reserves no room. */
dress(":where([data-relay-form]){min-height:var(--relay-height,21rem)}");

function complain(element, text) {
  console.error("signup-relay:", text, element);
}

function node(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

const asked = {};

/* Returns the form in the language of the page around the element. Who asks twice gets one answer, so
   that two forms are drawn in the order of the page. */
function fieldsOf(name, element) {
  const language = languageOf(element);
  const which = name + language;
  return (asked[which] ??= ask(name, language).finally(() => delete asked[which]));
}

/* Says in the element's place that its form is closed. Returns whether it is. */
function sayClosed(element, { cause, message }) {
  return cause == 410 && Object.assign(element, { role: "status", textContent: message });
}

async function ask(name, language) {
  const answer = await fetch(`${relay}f/${name}/fields`, {
    headers: { Accept: "application/json", "Accept-Language": language },
    signal: AbortSignal.timeout(6000),
  });
  const told = await answer.json();
  if (!answer.ok) throw Error(told.error, { cause: answer.status });
  dress(told.css);
  return told;
}

function labelled(label, mark, attributes) {
  const id = newId();
  return node(
    "div",
    {},
    node("label", { for: id }, label, mark && node("small", {}, " ", mark)),
    node("input", { id, ...attributes }),
  );
}

function tick(text, attributes) {
  return node(
    "label",
    { class: "relay-tick" },
    node("input", { type: "checkbox", ...attributes }),
    node("span", {}, text),
  );
}

function listsOf({ name, label, choices }) {
  const ticks = choices.map(({ label, ...rest }) => tick(label, { name, ...rest }));
  return node("fieldset", {}, node("legend", {}, label), ...ticks);
}

function consentOf({ name, text, box }) {
  if (box == "none") return node("p", {}, text);
  return tick(text, { name, value: "yes", required: box == "required" });
}

/* Hidden from people and screen readers. Robots recognise display: none, so it is not used. */
function honeypotOf({ label, ...rest }) {
  const made = labelled(label, "", rest);
  made.setAttribute("aria-hidden", true);
  made.style.cssText = "position:absolute;clip-path:inset(50%)";
  return made;
}

function loadCaptcha() {
  return import(`${relay}static/captcha.js`);
}

/* Without its script, the form is sent without the work, and a page asks for that once more. */
function captchaOf({ captcha, name }) {
  if (captcha != "altcha") return "";
  const widget = node("altcha-widget", { challenge: `${relay}f/${name}/challenge` });
  loadCaptcha().catch((error) => complain(widget, error));
  return widget;
}

function formOf(told) {
  const form = node(
    "form",
    {
      method: "post",
      action: `${relay}f/${told.name}`,
      class: "relay-form",
      "data-relay-name": told.name,
      lang: told.language,
      dir: told.direction,
      "aria-label": told.title,
    },
    ...told.inputs.map(({ label, ...rest }) =>
      labelled(label, rest.required ? "" : told.optional, rest),
    ),
    told.lists ? listsOf(told.lists) : "",
    told.consent ? consentOf(told.consent) : "",
    captchaOf(told),
    honeypotOf(told.honeypot),
    ...Object.entries(told.hidden).map(([name, value]) =>
      node("input", { type: "hidden", name, value }),
    ),
    node("button", {}, told.button),
  );
  /* What follows on the page stays where it is. */
  form.addEventListener("relay:success", () => (form.style.minHeight = `${form.offsetHeight}px`));
  return form;
}

/* Called for each element with data-relay-form, once. */
async function draw(element) {
  try {
    const form = formOf(await fieldsOf(element.dataset.relayForm, element));
    const isFocused = element.contains(document.activeElement);
    element.replaceChildren(form);
    look(); /* before anybody types, so that forms that are alike get their slots in their order */
    if (isFocused) form.querySelector("input").focus();
  } catch (error) {
    element.style.minHeight = 0;
    sayClosed(element, error);
    complain(element, error);
  }
}
