{% set visit %}{% include "visit.js" %}{% endset %}
import { {{ "useEffect, " if form.captcha != "none" }}useId, useState } from "react";

const ADDRESS = {{ url | tojson }};

export default function {{ component }}() {
  const [isSending, setIsSending] = useState(false);
  const [errors, setErrors] = useState({});
  const [status, setStatus] = useState("");
{% if form.captcha != "none" %}
  useEffect(() => void loadCaptcha().catch(() => {}), []);
{% endif %}

  async function send(event) {
    event.preventDefault();
    const form = event.currentTarget;
{% if form.captcha != "none" %}
    if (form.querySelector("altcha-widget:not(:defined)")) {
      // The captcha's script is still on its way. When it is there, it takes over.
      setIsSending(true);
      const late = new Promise((_, reject) => setTimeout(reject, 30_000));
      const comes = await Promise.race([loadCaptcha(), late]).catch(() => false);
      setIsSending(false);
      return comes ? form.requestSubmit() : form.submit();
    }
{% endif %}
    const body = new FormData(form);
    {{ visit | trim | indent(4) }}
    setIsSending(true);
    setErrors({});
    setStatus("");
    try {
      const headers = { Accept: "application/json"{% if language %}, "Accept-Language": {{ language | tojson }}{% endif %} };
      const response = await fetch(ADDRESS, { method: "POST", headers, body });
      const answer = await response.json();
      if (answer.ok) {
        form.reset();
        setStatus(answer.message);
{% if form.redirect %}
        location.assign(answer.next);
{% endif %}
      } else {
        setErrors(Object.fromEntries(answer.errors.map((each) => [each.field, each.message])));
        setStatus(answer.error);
      }
    } catch {
      setStatus({{ not_sent | tojson }});
    } finally {
      setIsSending(false);
    }
  }

  return (
    <form method="post" action={ADDRESS} onSubmit={send} aria-label={{ title | braced }}>
{% for input in inputs %}
      <Field label={{ input.label | braced }} error={errors[{{ input.name | tojson }}]} name={{ input.name | braced }} type="{{ input.type }}"{% if input.autocomplete %} autoComplete="{{ input.autocomplete }}"{% endif %}{{ " required" if input.required }} />
{% endfor %}
{% if form.lists | length > 1 %}
      <fieldset>
        <legend>{{ choose | braced }}</legend>
        <input type="hidden" name="_lists" value="" />
{% for list in form.lists %}
        <label>
          <input type="checkbox" name="_lists" value={{ list.id | braced }} defaultChecked /> {{ list.name | braced }}
        </label>
{% endfor %}
      </fieldset>
{% endif %}
{% if form.consent_box != "none" %}
      <p>
        <label>
          <input type="checkbox" name="consent" value="yes"{{ " required" if form.consent_box == "required" }} /> {{ consent_text | braced }}
        </label>
      </p>
{% elif consent_text %}
      <p>{{ consent_text | braced }}</p>
{% endif %}
      {/* Which text of consent this page shows. */}
      <input type="hidden" name="_consent" value="{{ consent_version }}" />
{% if language %}
      {/* The language of this page, in which errors and thanks come, too. */}
      <input type="hidden" name="_language" value="{{ language }}" />
{% endif %}
      {/* People must not see this field, and robots must find it. */}
      <span hidden aria-hidden="true">
        {{ leave_empty | braced }}: <input name="_gotcha" type="text" tabIndex={-1} autoComplete="off" data-1p-ignore data-bwignore data-lpignore="true" data-form-type="other" />
      </span>
{% if form.captcha == "altcha" %}
      {/* The visitor's computer does some work. Without it, the sign-up waits in quarantine. */}
      <altcha-widget challenge={`${ADDRESS}/challenge`} />
{% endif %}
      <button type="submit" disabled={isSending}>{{ button | braced }}</button>
      <p role="status">{status}</p>
    </form>
  );
}

function Field({ label, error, ...input }) {
  const id = useId();
  return (
    <p>
      <label htmlFor={id}>{label}</label>
      <input id={id} aria-invalid={Boolean(error)} aria-describedby={error && `${id}-error`} {...input} />
      {error && <span id={`${id}-error`}>{error}</span>}
    </p>
  );
}
{% if form.captcha != "none" %}

function loadCaptcha() {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ {{ captcha_module | tojson }});
}
{% endif %}
