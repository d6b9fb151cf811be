"""Names that websites and form tools give their fields, by the field that they mean."""

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
    "consent": "consent|gdpr_consent|acceptance-123|opt-in|marketing_consent|Einwilligung"
    "|Zustimmung|cm-privacy-consent|toestemming|zgoda|I agree to receive news|同意|consent[given]",
    "birthday": "birthday|Date of Birth|dob|bday|Geburtsdatum",
}


def alternatives(text: str) -> list[str]:
    """Return the names in `text`, between line breaks and bars."""
    return text.strip("\n").replace("\n", "|").split("|")
