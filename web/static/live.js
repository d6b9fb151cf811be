/* Parts of a page that stay new: <div id="…" data-live="5" hx-get="…" hx-trigger="refresh"
   hx-ext="morph" hx-swap="morph:outerHTML"> is asked for every 5 seconds, but for a hidden tab.
   Only what is new is changed, so focus, selection and scroll stay. If an answer fails, what is
   inside with `data-lost` is shown in place of `data-found`, until one succeeds. Loaded after console.js. */

const askedAt = new WeakMap();

function refreshWhatIsDue() {
  if (document.hidden) return;
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = performance.now();
    if (now - (askedAt.get(part) ?? 0) < part.dataset.live * 1000) continue;
    askedAt.set(part, now);
    htmx.trigger(part, "refresh");
  }
}

Object.assign(Idiomorph.defaults.callbacks, {
  /* The answer has UTC, and knows nothing of what is open. */
  beforeNodeMorphed(shown, fresh) {
    if (fresh.matches?.("[data-live]")) enhance(fresh);
  },
  beforeAttributeUpdated(name, node) {
    return !(name === "open" && node.localName === "details");
  },
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) return; /* the answer hides it again */
  for (const said of event.target.querySelectorAll("[data-lost], [data-found]")) {
    said.hidden = !("lost" in said.dataset);
  }
});

document.addEventListener("visibilitychange", refreshWhatIsDue);
setInterval(refreshWhatIsDue, 500);
