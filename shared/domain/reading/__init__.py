"""What posted fields mean: names → values → checked fields. Pure functions; no request, no Redis.

`meanings` says which field a posted name means, `values` cleans what was typed. `dates` and
`check_boxes` read what their names say. `posted_fields` sorts all fields of a request by purpose,
`field_checks` checks them. docs/forms.md has the rules for people who build forms.
"""
