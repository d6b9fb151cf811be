"""The table of a contact's fields. To add a field, add one entry to `FIELDS`.

The entry says how pages name the field, how its value is checked, how the hosted form shows it,
and where the API expects it. The checks, the hosted form and the API client read this table only.
The limits are those of ``POST /contacts/sign_up_form``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.reading.dates import is_date, read_date, read_month
from shared.domain.reading.values import (
    clean_address,
    clean_line,
    clean_name,
    clean_phone,
    clean_street,
)
from shared.domain.texts import Text, lazy_gettext


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must look like. `message` tells the visitor what to enter."""

    accepts: Callable[[str], bool]
    message: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a contact.

    `name` is what pages post and errors name; `synonyms` are other names that websites use, in the
    languages that most of them speak. `shared.domain.reading.meanings` finds many more.
    `api_name` is the field's name in the API and in stored contacts. `api_object` is the object
    of the API's body that holds the field; None means the body itself. The API expects an integer
    where `is_number` is set. `clean` makes what is sent from what was typed. A value that matches
    the pattern `never` means another thing, such as the `state` of a shop's customer.
    `input_type` and `autocomplete` are attributes of the hosted form's input. That form shows a
    field when `always_shown` is set, or when the page posted a value.
    """

    name: str
    api_name: str
    label: Text
    limit: int
    synonyms: tuple[str, ...] = ()
    api_object: str | None = None
    is_number: bool = False
    clean: Callable[[str], str] = clean_line
    rule: Rule | None = None
    never: str | None = None
    always_shown: bool = False
    input_type: str = "text"
    autocomplete: str = "on"

    def may_be(self, value: str) -> bool:
        """Whether `value` can mean this field at all."""
        return self.never is None or not re.fullmatch(self.never, value.strip(), re.IGNORECASE)


PHONE_LIMIT = 25
# The order in which the API reads a date, and the signs that it knows.
_DATE_OF_THE_API = re.compile(
    r"(0?[1-9]|1[0-2])/\d{1,2}/\d{4}|([1-9]|1[0-2])-\d{1,2}-\d{4}|\d{4}([/-])\d{1,2}\3\d{1,2}",
    re.ASCII,
)
_INTEGER = re.compile(r"\d{1,2}", re.ASCII)


def _is_integer(value: str, least: int, most: int) -> bool:
    return _INTEGER.fullmatch(value) is not None and least <= int(value) <= most


def _clean_month(value: str) -> str:
    text = clean_line(value)
    month = None if text.isdigit() else read_month(text)
    return str(month) if month else text


def _clean_day(value: str) -> str:
    """Return the number of `17th` and `17.`."""
    text = clean_line(value)
    return re.sub(r"(?<=\d)(st|nd|rd|th|\.)$", "", text)


def _clean_date(value: str) -> str:
    text = clean_line(value)
    found = None if _DATE_OF_THE_API.fullmatch(text) else read_date(text)
    return found.iso() if found and found.year else text


# What shops and databases call a state.
_STATES_OF_RECORDS = (
    r"(?=.*\d)[\w+/=.-]{30,}|"  # what a page remembers of itself
    r"-*\s*(please )?(select|choose).*|"
    "enabled|disabled|(in)?active|invited|declined|pending|new|open|closed|completed?|published"
    "|draft|(un)?subscribed|(un)?confirmed|submitted|success"
)
# What select boxes say before anything is chosen.
_NOT_CHOSEN = r"0+|-*|mm?|dd?|months?|days?|monat|tag|mois|jour|-*\s*(please )?(select|choose).*"
_MONTH = Rule(
    lambda value: _is_integer(value, 1, 12),
    lazy_gettext("Please enter the month of the birthday as a number from 1 to 12."),
)
_DAY = Rule(
    lambda value: _is_integer(value, 1, 31),
    lazy_gettext("Please enter the day of the birthday as a number from 1 to 31."),
)
_DATE = Rule(
    is_date,
    lazy_gettext("Please enter the anniversary as a date, such as 2001-12-31 or 12/31/2001."),
)

EMAIL = Field(
    name="email",
    api_name="email_address",
    label=lazy_gettext("E-mail address"),
    # Constant Contact stores up to 80 characters. The documentation of sign_up_form says 50; it is
    # unknown whether the API enforces that. We send 51 to 80 characters unchanged.
    limit=80,
    clean=clean_address,
    synonyms=(
        *("_replyto", "replyto", "email_address", "mail", "mail_address", "your-email"),
        *("user_email", "contact_email", "emails", "email_addr", "merge0", "mce_email", "ea", "ne"),
        *("e-mail-adresse", "mailadresse", "adresse e-mail", "adresse mail", "courriel"),
        *("adresse électronique", "correo", "correo electrónico", "email adres", "e-mailadres"),
        *("posta elettronica", "indirizzo e-mail", "correio eletrônico", "epost", "e-postadress"),
        *("e-posta", "adres e-mail", "sähköposti", "почта", "электронная почта", "メール"),
        *("メールアドレス", "邮箱", "电子邮件", "電子郵件", "이메일"),
    ),
    always_shown=True,
    input_type="email",
    autocomplete="email",
)

FIELDS = (
    EMAIL,
    Field(
        name="first_name",
        api_name="first_name",
        label=lazy_gettext("First name"),
        limit=50,
        clean=clean_name,
        synonyms=(
            *("fname", "given_name", "forename", "your-first-name", "first", "name_first"),
            *("firstname", "merge1", "vorname", "prénom", "nombre", "nome", "voornaam", "förnamn"),
            *("fornavn", "etunimi", "imię", "имя", "名"),
        ),
        always_shown=True,
        autocomplete="given-name",
    ),
    Field(
        name="last_name",
        api_name="last_name",
        label=lazy_gettext("Last name"),
        limit=50,
        clean=clean_name,
        synonyms=(
            *("lname", "surname", "family_name", "your-last-name", "last", "name_last"),
            *("lastname", "merge2", "nachname", "familienname", "nom", "nom de famille"),
            *("apellido", "apellidos", "cognome", "sobrenome", "achternaam", "efternamn"),
            *("etternavn", "efternavn", "sukunimi", "nazwisko", "фамилия", "姓", "ns"),
        ),
        always_shown=True,
        autocomplete="family-name",
    ),
    Field(
        name="phone",
        api_name="phone_number",
        label=lazy_gettext("Phone"),
        limit=PHONE_LIMIT,
        clean=lambda value: clean_phone(value, PHONE_LIMIT),
        synonyms=(
            *("phone_number", "phones", "tel", "telephone", "mobile", "your-phone", "your-tel"),
            *("mobile_phone", "cell", "cell_phone", "home_phone", "work_phone", "telefon"),
            *("telefonnummer", "mobil", "handy", "handynummer", "portable", "telefoonnummer"),
            *("phone_full", "phone_number_full", "phone_phone", "phone_number_phone"),
            *("téléphone", "teléfono", "telefono", "telefone", "telefoon"),
        ),
        input_type="tel",
        autocomplete="tel",
    ),
    Field(
        name="job_title",
        api_name="job_title",
        label=lazy_gettext("Job title"),
        limit=50,
        clean=clean_name,
        synonyms=("organization_title", "your-job-title", "position", "fonction"),
        autocomplete="organization-title",
    ),
    Field(
        name="company_name",
        api_name="company_name",
        label=lazy_gettext("Company"),
        limit=50,
        clean=clean_name,
        synonyms=(
            *("company", "organization", "organisation", "your-company", "business_name"),
            *(
                "business",
                "firma",
                "unternehmen",
                "raison sociale",
                "société",
                "entreprise",
                "empresa",
                "azienda",
                "bedrijf",
            ),
        ),
        autocomplete="organization",
    ),
    Field(
        name="street",
        api_name="street",
        api_object="street_address",
        label=lazy_gettext("Street"),
        limit=255,
        clean=clean_street,
        # A network address. No part can match what the part before it matches, or a long value
        # would take seconds.
        never=r"[\d.]+|[\da-f]*:[\da-f:.]*",
        synonyms=(
            *("address", "street_address", "address_street", "address_line1", "address1"),
            *("addr1", "addr", "addr_line1", "adresse", "dirección", "morada"),
            *("street1", "line1", "mailing_address", "home_address", "straße"),
            *("strasse", "rue", "calle", "indirizzo", "straat"),
        ),
        autocomplete="street-address",
    ),
    Field(
        name="city",
        api_name="city",
        api_object="street_address",
        label=lazy_gettext("City"),
        limit=50,
        synonyms=(
            *(
                "town",
                "address_city",
                "address_level2",
                "ort",
                "wohnort",
                "stadt",
                "ville",
                "ciudad",
            ),
            *("città", "cidade", "woonplaats"),
        ),
        autocomplete="address-level2",
    ),
    Field(
        name="state",
        api_name="state",
        api_object="street_address",
        label=lazy_gettext("State"),
        limit=50,
        never=_STATES_OF_RECORDS,
        synonyms=(
            "province",
            "region",
            "address_state",
            "address_level1",
            "county",
            "bundesland",
            "kanton",
        ),
        autocomplete="address-level1",
    ),
    Field(
        name="postal_code",
        api_name="postal_code",
        api_object="street_address",
        label=lazy_gettext("Postal code"),
        limit=50,
        synonyms=(
            *("zip", "zip_code", "postcode", "address_postal_code", "address_zip", "plz"),
            *("postleitzahl", "postal", "code postal", "cp", "código postal", "cap", "cep"),
        ),
        autocomplete="postal-code",
    ),
    Field(
        name="country",
        api_name="country",
        api_object="street_address",
        label=lazy_gettext("Country"),
        limit=50,
        never=r"\+?\d+|-*\s*(please )?(select|choose).*",
        synonyms=("country_name", "address_country", "land", "pays", "país", "paese"),
        autocomplete="country-name",
    ),
    Field(
        name="birthday_month",
        api_name="birthday_month",
        label=lazy_gettext("Birthday (month)"),
        never=_NOT_CHOSEN,
        synonyms=("birth_month", "bday_month", "dob_month", "birthdate_month"),
        limit=2,
        clean=_clean_month,
        is_number=True,
        rule=_MONTH,
    ),
    Field(
        name="birthday_day",
        api_name="birthday_day",
        label=lazy_gettext("Birthday (day)"),
        clean=_clean_day,
        never=_NOT_CHOSEN,
        synonyms=("bday_day", "dob_day", "birthdate_day"),
        limit=2,
        is_number=True,
        rule=_DAY,
    ),
    Field(
        name="anniversary",
        api_name="anniversary",
        label=lazy_gettext("Anniversary"),
        limit=10,
        clean=_clean_date,
        rule=_DATE,
    ),
)

# What the API requires in an object of its body besides our fields.
API_OBJECTS = {"street_address": {"kind": "home"}}


BY_API_NAME = {field.api_name: field for field in FIELDS}
