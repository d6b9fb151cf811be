"""Names in the wild: which field a website means by the name that it posts."""

import pytest

from shared.domain.fields import EMAIL, FIELDS
from shared.domain.reading.meanings import find_field, is_token, meaning_of, path_of

ADDRESSES = """
email|EMAIL|Email|e-mail|E-Mail|email_address|Email Address|emailAddress|your-email|Your Email
user_email|contact_email|mail|email[]|_replyto|replyto|_REPLYTO|Email *|Email Address (required)
E-Mail-Adresse|E-Mail-Adresse *|No Label email|Work Email|business_email|work_email|cm-email
contact[email]|data[email]|fields[email]|form_fields[email]|subscriber[email]|user[email]
submitted[email_address]|email[0]|email-2|email2|email_1|email-field|emailInput|inputEmail|txtEmail
tbEmail|field_email|email_addr|emailaddr|emailaddress1|customer_email|subscriber_email
subscribe_email|newsletter_email|inf_field_Email|et_pb_contact_email_0|mce-EMAIL|q3_email|Email:
Email?|primaryEmail|billing_email|form:email|acf[field_email]|ctl00$Main$txtEmail|Model.Email
data.attributes.email|customer[email_address]|emails[0][value]|What is your email?|ea|ne|MERGE0
correo|Correo electrónico|courriel|Adresse e-mail|E-mailadres|posta elettronica|E-post|e-posta
adres e-mail|sähköposti|электронная почта|メールアドレス|邮箱|이메일|correio eletrônico
"""

NAMES = {
    "first_name": "First Name|FNAME|firstName|given-name|first_name_2|Name[first]|q3_name[first]"
    "|names[first_name]|txtFirstName|inf_field_FirstName|Vorname *|Prénom|prenom|nombre|What is"
    " your first name?|merge_fields[FNAME]",
    "last_name": "Last Name|LNAME|lastName|family-name|surname|name[last]|Nachname|nom|apellidos"
    "|Cognome|achternaam",
    "phone": "Phone|tel|phone_number|Phone Number (optional)|mobile phone|work_phone|téléphone"
    "|Telefonnummer",
    "company_name": "Company|company[name]|organization|Business Name|Firma|entreprise",
    "street": "address|address_street|ADDRESS[addr1]|address[line1]|Straße|address1"
    "|billing[address_1]",
    "city": "city|address_city|default_address[city]|Ort|ville|Ciudad",
    "postal_code": "zip|ZIP Code|address_zip|postcode|PLZ|code postal",
    "birthday_month": "birthday_month|BIRTHDAY[month]|birthday.month|bday-month|dob[month]",
    "birthday_day": "birthday_day|BIRTHDAY[day]|dob_day",
    "full_name": "name|Name *|Full Name|your-name|No Label name|name-2|contact[name]|user[name]|nn"
    "|お名前",
    "consent": "consent|gdpr_consent|acceptance-123|opt-in|marketing_consent|Einwilligung",
    "birthday": "birthday|Date of Birth|dob|bday|Geburtsdatum",
}

NOT_OURS = """
username|user_name|newsletter|form_name|form_id|page_name|list_name|company_email|parent_name
confirm_email|email_optin_text|email_format|wpforms[fields][1]|input_3|item_meta[25]|nf-field-2|id
_wpnonce|utm_source|[]|[0]||*|2
"""


def alternatives(text: str) -> list[str]:
    return text.strip("\n").replace("\n", "|").split("|")


@pytest.mark.parametrize("name", alternatives(ADDRESSES))
def test_an_address_is_found_under_the_names_that_pages_use(name: str) -> None:
    assert find_field(name) is EMAIL


@pytest.mark.parametrize(
    ("name", "meaning"),
    [(name, meaning) for meaning, names in NAMES.items() for name in alternatives(names)],
)
def test_other_fields_are_found_too(name: str, meaning: str) -> None:
    found = meaning_of(name)
    assert found is not None
    assert getattr(found[0], "name", found[0]) == meaning


@pytest.mark.parametrize("name", alternatives(NOT_OURS))
def test_a_name_that_means_another_thing_is_no_field(name: str) -> None:
    assert meaning_of(name) is None


def test_a_fields_own_name_goes_before_a_synonym_and_that_before_a_decorated_name() -> None:
    def effort(name: str) -> int:
        found = meaning_of(name)
        assert found is not None
        return found[1]

    assert effort("email") == 0 < effort("mail") < effort("txt_mail_2")


def test_no_two_fields_share_a_name() -> None:
    for field in FIELDS:
        assert find_field(field.name) is field
        assert [name for name in field.synonyms if find_field(name) is not field] == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("email", ("email",)),
        ("email[]", ("email",)),
        ("contact[email]", ("contact", "email")),
        ("fields[email][value]", ("fields", "email")),
        ("a.b$c:d", ("a", "b", "c", "d")),
        ("interests[0]", ("interests",)),
        ("1.3", ("1", "3")),
        ("[]", ()),
    ],
)
def test_a_name_is_a_path(name: str, path: tuple[str, ...]) -> None:
    assert path_of(name) == path


@pytest.mark.parametrize("name", ["csrfmiddlewaretoken", "g-recaptcha-response", "_wpnonce"])
def test_tokens_are_known(name: str) -> None:
    assert is_token(name)
    assert not is_token("hobby")
