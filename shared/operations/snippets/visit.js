// Most browsers tell only your website's origin. Queries stay here: they may name a person.
{% if has_campaign %}
const campaign = location.search.match(/utm_\w+=[^&]*/g) ?? [];
body.set("_page", `${location.origin}${location.pathname}?${campaign.join("&")}`);
{% else %}
body.set("_page", location.origin + location.pathname);
{% endif %}
body.set("_referrer", document.referrer.split(/[?#]/)[0]);
