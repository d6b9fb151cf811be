/* Gives each frame with a page of ours the height that its page tells. Without it, the frame keeps
   its own height and can be scrolled. */

addEventListener("message", ({ origin, source, data }) => {
  const height = data?.relayHeight;
  if (origin != new URL(relay).origin || !(height > 0 && height < 1e5)) return;
  for (const frame of document.querySelectorAll("iframe")) {
    if (isOurs(frame.src) && frame.contentWindow == source) resize(frame, height);
  }
});

function resize(frame, height) {
  const before = frame.offsetHeight;
  frame.style.height = `${height}px`;
  frame.style.height = `${2 * height - frame.clientHeight}px`; /* with its border */
  /* The next page of somebody who has scrolled down a long form may have ended above. */
  if (
    document.activeElement == frame &&
    frame.offsetHeight < before &&
    frame.getBoundingClientRect().top < 0
  ) {
    frame.scrollIntoView();
  }
}

/* Called for each frame, once. Its page may have told its height before we were here. */
function fit(frame) {
  if (isOurs(frame.src)) frame.contentWindow.postMessage("", "*");
}
