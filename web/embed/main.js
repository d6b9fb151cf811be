/* Starts everything, and finds what belongs to us on the page: now, and whenever the page's own
   scripts add something. Each element is handed over once. */

const WANTED = [
  ["[data-relay-form]", draw],
  ["[data-relay-popup]", popup],
  ["iframe", fit],
  ["form", enhance],
  ["[type=password]", forget],
];

const found = new WeakSet();
let timer = 0;

function look() {
  timer = 0;
  for (const [selector, take] of WANTED) {
    for (const element of document.querySelectorAll(selector)) {
      if (!found.has(element)) take(element, found.add(element));
    }
  }
}

function start() {
  resume();
  look();
  new MutationObserver(() => (timer ||= setTimeout(look, 50))).observe(document, {
    childList: true,
    subtree: true,
    attributeFilter: ["type"],
  });
}

/* On `window`, after all listeners of the page: one that prevents the submit has the last word. */
addEventListener("submit", onSubmit);
addEventListener("input", onInput, true);
addEventListener("reset", ({ target }) => addressOf(target) && save(slotOf(target), {}));
addEventListener("online", () => jobs.forEach((job) => job.wake?.()));
/* The visitor came back to a page that the browser had kept. */
addEventListener("pageshow", (event) => {
  if (event.persisted) held.forEach(({ form }) => form && show(form, ""));
});
addEventListener("securitypolicyviolation", (event) => {
  if (event.effectiveDirective == "connect-src" && isOurs(event.blockedURI)) isShutOut = true;
});
if (document.readyState == "loading") addEventListener("DOMContentLoaded", start);
else start();
