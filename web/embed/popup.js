/* Opens the form that a link with data-relay-popup leads to as a dialog: after some seconds, when
   the mouse leaves the page, after some scrolling, or by a click on the link, which always opens it.
   By itself, it opens once for each visitor, and never over another dialog or while somebody types.
   Without JavaScript, and when anything fails, the link leads to the hosted form. */

const dialogs = new Map(); /* by form; each keeps what was typed; null if it could not be drawn */

/* The name of the form at an address; "" for other addresses. */
function formAt(address) {
  return isOurs(address) ? address.slice(relay.length + 2).split(/[/?#]/)[0] : "";
}

/* Says whether a visitor has seen the form, or with setItem that this one has. Where storage is
   forbidden, nobody knows. So no pop-up opens by itself. */
function seen(name, act = "getItem") {
  try {
    return localStorage[act](`relay:popup:${name}`, 1);
  } catch {
    return true;
  }
}

/* Many menus wait outside of the window. */
function isShown(element) {
  const { x, y, right, bottom } = element.getBoundingClientRect();
  return (
    right > 0 &&
    bottom > 0 &&
    x < innerWidth &&
    y < innerHeight &&
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
  );
}

function isDialogOpen() {
  const all = document.querySelectorAll("dialog,[role$=dialog],[aria-modal=true],[popover]");
  return [...all].some(isShown);
}

function isBusy() {
  return (
    document.hidden ||
    document.fullscreenElement ||
    document.activeElement?.matches("input,select,textarea,iframe,[contenteditable]") ||
    isDialogOpen()
  );
}

async function dialogOf(name, link) {
  const told = await fieldsOf(name, link);
  /* It comes first, so it gets the focus. Whoever was just pressing Space has pressed nothing. */
  const title = node("h2", { tabindex: -1 }, told.title);
  const close = node("button", { type: "button", class: "relay-close", "aria-label": told.close }, "×");
  const dialog = node(
    "dialog",
    {
      class: "relay-popup",
      "data-relay-name": told.name,
      lang: told.language,
      dir: told.direction,
      "aria-label": told.title,
    },
    node("div", {}, title, formOf(told), close),
  );
  let pressed;
  dialog.addEventListener("pointerdown", (event) => (pressed = event.target));
  dialog.addEventListener("click", ({ target }) => {
    /* Whoever selects text may let go of it outside. */
    if (target == close || (target == dialog && pressed == dialog)) dialog.close();
  });
  /* At once, as the event of closing may come after the link was pressed again. */
  dialog.addEventListener("relay:success", () => dialogs.delete(name));
  dialog.addEventListener("close", () => {
    seen(name, "setItem");
    if (dialog.querySelector("[data-relay-state=success]")) dialog.remove();
  });
  return dialog;
}

async function openDialog(name, link, isAsked) {
  if (!dialogs.get(name)) dialogs.set(name, dialogOf(name, link));
  try {
    const dialog = await dialogs.get(name);
    if (isAsked ? isDialogOpen() : isBusy()) return;
    /* Sites that change pages by script may have thrown it away. */
    if (!dialog.isConnected) document.body.append(dialog);
    dialog.showModal();
    if (isAsked) dialog.querySelector("input").focus();
  } catch (error) {
    dialogs.set(name, null);
    complain(link, error);
    if (isAsked && !sayClosed(link, error)) location.assign(link.href);
  }
}

/* Called for each link with data-relay-popup, once. */
function popup(link) {
  const name = formAt(`${link.href}`);
  const how = /^(?:click|(exit)|delay:(\d{1,6})s|scroll:(\d\d?|100)%)$/;
  const when = how.exec(link.dataset.relayPopup);
  if (!name || !when) {
    return complain(link, `Use click, exit, delay:10s or scroll:50% on a link to ${relay}f/…`);
  }
  link.setAttribute("aria-haspopup", "dialog");
  link.addEventListener("click", (event) => {
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.shiftKey ||
      event.altKey ||
      event.defaultPrevented ||
      isDialogOpen()
    ) {
      return;
    }
    event.preventDefault();
    openDialog(name, link, true);
  });
  arm(when, () => {
    const isOver = !link.isConnected || seen(name) || dialogs.get(name) === null;
    return isOver || (!isBusy() && openDialog(name, link));
  });
}

/* Has the pop-up offered when its time has come. `offer` returns false if it has to come later. */
function arm([, exit, delay, scroll], offer) {
  const wait = (seconds) => setTimeout(() => offer() || wait(1), seconds * 1000);
  if (delay) wait(delay);
  if (scroll) {
    addEventListener("scroll", () => {
      const most = document.documentElement.scrollHeight - innerHeight;
      if (scrollY >= (most * scroll) / 100) offer();
    });
  }
  if (exit) {
    /* To the tabs or the address. Fingers leave no page, so touch screens open nothing then. */
    const leave = ({ relatedTarget, clientY }) => relatedTarget || clientY > 0 || offer();
    addEventListener("mouseout", leave);
  }
}

addEventListener("relay:success", ({ target }) => {
  target == document || seen(formAt(read(target, "action")), "setItem");
});
