"""A contact as the API shows it."""

from typing import Any

from sandbox.api.contacts import Contact, iso


def search_status(contact: Contact) -> str:
    """Return the value of ``status`` that finds this contact, besides ``all``."""
    if contact.deleted_at:
        return "deleted"
    return "active" if contact.permission in ("explicit", "implicit") else contact.permission


def contact_json(contact: Contact, include: set[str]) -> dict[str, Any]:
    known = contact.properties
    body: dict[str, Any] = {
        "contact_id": contact.contact_id,
        "email_address": _email_json(contact),
        "create_source": "Contact",
        "update_source": "Contact",
        "created_at": iso(contact.created_at),
        "updated_at": iso(contact.updated_at),
    }
    plain = known.keys() - {"phone_number", "street_address", "sms_channel"}
    body |= {name: known[name] for name in sorted(plain)}
    if contact.deleted_at:
        body["deleted_at"] = iso(contact.deleted_at)
    return body | {
        name: value for name, value in _optional_parts(contact).items() if name in include
    }


def _email_json(contact: Contact) -> dict[str, Any]:
    body: dict[str, Any] = {
        "address": contact.email,
        "permission_to_send": contact.permission,
        "created_at": iso(contact.created_at),
        "updated_at": iso(contact.updated_at),
        "confirm_status": contact.confirm_status,
        "opt_in_source": "Contact",
    }
    if contact.opt_in_date:
        body["opt_in_date"] = iso(contact.opt_in_date)
    if contact.opt_out_date:
        body |= {
            "opt_out_source": "Contact",
            "opt_out_date": iso(contact.opt_out_date),
            "opt_out_reason": contact.opt_out_reason,
        }
    return body


def _optional_parts(contact: Contact) -> dict[str, list[Any]]:
    """Return the parts of a contact that the API shows only if ``include`` names them."""
    known = contact.properties
    phone, street = known.get("phone_number"), known.get("street_address")
    return {
        "custom_fields": [
            {"custom_field_id": each, "value": value}
            for each, value in contact.custom_fields.items()
        ],
        "list_memberships": contact.list_ids,
        "phone_numbers": [{"phone_number": phone, "kind": "other"}] if phone else [],
        "street_addresses": [street] if street else [],
        "taggings": [],
        "notes": [],
    }
