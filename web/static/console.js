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
const clock = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });

function showLocalTimes(root) {
  for (const shown of root.querySelectorAll("time [data-clock]")) {
    shown.textContent = clock.format(new Date(shown.parentElement.dateTime));
  }
}

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

document.addEventListener("keydown", (event) => {
  const search = document.getElementById("q");
  if (event.key !== "/" || !search || isTyping(event.target)) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  search.focus();
});

function enhance(root) {
  showCopyButtons(root);
  showLocalTimes(root);
}

document.addEventListener("htmx:load", (event) => enhance(event.detail.elt));
document.addEventListener("DOMContentLoaded", () => enhance(document));
