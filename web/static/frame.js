/* Tells the website that frames this page how high it is. embed.js there sizes the frame. The height
   is no secret: frame-ancestors says who may frame the page, and so who hears it. */

const page = document.documentElement;

function tellHeight() {
  parent.postMessage({ relayHeight: Math.ceil(page.getBoundingClientRect().height) }, "*");
}

tellHeight(); // browsers observe nothing in a frame that is out of sight
new ResizeObserver(tellHeight).observe(page);
addEventListener("message", tellHeight);

// In a frame of another site, browsers heed no autofocus.
document.querySelector("[autofocus]")?.focus();
