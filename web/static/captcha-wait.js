// On our own pages with a captcha, loaded before the form is there: a press of the button before the
// captcha's module has come waits for it. The module then takes over. If it does not come in time, the
// form is sent without the work, and the page that follows asks for it once more.

const MODULE_COMES = 30_000; // milliseconds

async function send(form, submitter) {
  submitter.disabled = true;
  form.ariaBusy = "true";
  const late = new Promise((_, reject) => setTimeout(reject, MODULE_COMES));
  const comes = await Promise.race([import("./captcha.js"), late]).catch(() => false);
  submitter.disabled = false;
  form.ariaBusy = null;
  if (comes) form.requestSubmit(submitter);
  else form.submit();
}

addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (!form.querySelector("altcha-widget:not(:defined)")) return;
  event.preventDefault();
  if (form.ariaBusy !== "true") send(form, submitter);
});
