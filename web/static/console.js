/* The console's own script: copy buttons, times in the reader's zone, the key that leads to the
   search, and the session's CSRF token for htmx requests. Every page works without it. */

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = document.querySelector('meta[name="csrf-token"]').content;
});

function showCopyButtons(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) {
    button.hidden = !navigator.clipboard;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const input = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(input.value);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
});

document.addEventListener("focusin", (event) => {
  if (event.target.matches("input[readonly]")) event.target.select();
});

/* Swedish writes times as ISO 8601 does: 2026-03-01 09:12. */
const clocks = {
  "": new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" }),
  time: new Intl.DateTimeFormat("sv-SE", { timeStyle: "short" }),
};

/* Within a sentence, a time of today has no day. */
function clockFor(kind, at) {
  if (kind !== "short") return clocks[kind];
  return clocks[at.toDateString() === new Date().toDateString() ? "time" : ""];
}

function showLocalTimes(root) {
  for (const shown of root.querySelectorAll("time [data-clock]")) {
    const at = new Date(shown.parentElement.dateTime);
    shown.textContent = clockFor(shown.dataset.clock, at).format(at);
  }
}

function isTyping(target) {
  return target.closest('input:not([type="checkbox"]), textarea, select, [contenteditable]') !== null;
}

/* Single keys can be switched off, as speech input may press them by chance. */
function isKey(event) {
  const on = localStorage.getItem("keys") !== "off";
  return on && !isTyping(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey;
}

document.addEventListener("keydown", (event) => {
  const search = document.getElementById("q");
  if (event.key !== "/" || !search || !isKey(event)) return;
  event.preventDefault();
  search.focus();
});

/* Reviewing a list by keyboard. The row that has the focus is meant. */

const reviewed = () => [...document.querySelectorAll("[data-review] tbody tr")];
const currentRow = () => reviewed().find((row) => row.contains(document.activeElement));

function focusRow(place) {
  const rows = reviewed();
  rows[Math.max(0, Math.min(place, rows.length - 1))]?.querySelector("a").focus();
}

function pressInRow(event) {
  if (!event.repeat) currentRow()?.querySelector(`[data-key="${event.key}"]`).click();
}

const reviewKeys = {
  j: () => focusRow(reviewed().indexOf(currentRow()) + 1),
  k: () => focusRow(reviewed().indexOf(currentRow()) - 1),
  d: pressInRow,
  x: pressInRow,
  o: () => currentRow()?.querySelector("a").click(),
  "?": () => document.querySelector("[data-keys] summary").click(),
};

document.addEventListener("keydown", (event) => {
  const act = Object.hasOwn(reviewKeys, event.key) && reviewKeys[event.key];
  if (!act || !document.querySelector("[data-review]") || !isKey(event)) return;
  event.preventDefault();
  act(event);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-keys-on]")) {
    localStorage.setItem("keys", event.target.checked ? "on" : "off");
  }
});

/* After a step the list comes back, and goes on with the row that stands in the same place. Its link
   has the place as its id, so the browser leads there by itself unless the last row has left. */
function goOnReviewing() {
  const keys = document.querySelector("[data-keys]");
  if (!keys) return;
  keys.hidden = false;
  keys.querySelector("[data-keys-on]").checked = localStorage.getItem("keys") !== "off";
  const place = location.hash.match(/^#row-(\d+)$/);
  if (place && !currentRow()) focusRow(Number(place[1]));
}

function enhance(root) {
  showCopyButtons(root);
  showLocalTimes(root);
}

document.addEventListener("htmx:load", (event) => enhance(event.detail.elt));
document.addEventListener("DOMContentLoaded", () => {
  enhance(document);
  goOnReviewing();
});
