"""The sample accounts: their users, their lists and their custom fields.

Every id is derived from a name, so it is the same in every sandbox and after every reset.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5

OWNER = "Account Owner"
CAMPAIGN_CREATOR = "Campaign Creator"

_WWW = "https://www."

# A Campaign Creator may read the lists, so a page of lists works although every sign-up fails.
PRIVILEGES: dict[str, int] = {
    "account:read": 1,
    "account:update": 2,
    "contacts:lists:read": 3,
    "contacts:lists:write": 4,
    "contacts:read": 5,
    "contacts:write": 6,
    "campaigns:read": 7,
    "campaigns:write": 8,
}
_OF_CAMPAIGN_CREATORS = frozenset(
    {"account:read", "contacts:lists:read", "campaigns:read", "campaigns:write"}
)


@dataclass(frozen=True, slots=True)
class User:
    login: str
    role: str

    @property
    def privileges(self) -> frozenset[str]:
        return frozenset(PRIVILEGES) if self.role == OWNER else _OF_CAMPAIGN_CREATORS


@dataclass(slots=True)
class ContactList:
    list_id: str
    name: str
    description: str = ""
    deleted_at: str | None = None


@dataclass(frozen=True, slots=True)
class CustomField:
    custom_field_id: str
    name: str
    label: str
    type: str
    choices: tuple[str, ...] = ()


@dataclass(slots=True)
class Account:
    id: str
    organization: str
    website: str
    phone: str
    city: str
    state_code: str
    users: tuple[User, ...]
    lists: dict[str, ContactList]
    custom_fields: dict[str, CustomField]
    removed_privileges: set[str] = field(default_factory=set)
    confirmed_opt_in: bool = False

    def user(self, wanted: str) -> User | None:
        """Return the user with this role or login."""
        return next((user for user in self.users if wanted in (user.role, user.login)), None)

    def privileges(self, user: User) -> list[str]:
        return [
            name
            for name in PRIVILEGES
            if name in user.privileges and name not in self.removed_privileges
        ]


def sample_accounts() -> dict[str, Account]:
    """Return the accounts by id, as they are in a fresh sandbox."""
    accounts = (_acme_bakery(), _blue_door_books(), _demo_bakery())
    return {account.id: account for account in accounts}


def lists_for(account: Account, count: int) -> dict[str, ContactList]:
    """Return this many lists: first those of a fresh sandbox, then numbered ones."""
    own = dict(list(sample_accounts()[account.id].lists.items())[:count])
    domain = account.website.removeprefix(_WWW)
    return own | _lists(domain, {f"List {n:04}": "" for n in range(len(own) + 1, count + 1)})


def _acme_bakery() -> Account:
    return _bakery("p07e1l8cdif9dl", "Acme Bakery", "acme-bakery.example", "olive", "casey")


def _demo_bakery() -> Account:
    """The account of `relay up`: a tester can connect the others, each under one name."""
    return _bakery("p07e3d9kq2mzvb", "Demo Bakery", "demo-bakery.example", "dora", "carl")


def _bakery(id: str, organization: str, domain: str, owner: str, creator: str) -> Account:
    return Account(
        id=id,
        organization=organization,
        website=_WWW + domain,
        phone="+1 617 555 0142",
        city="Waltham",
        state_code="MA",
        users=_users(owner, creator, domain),
        lists=_lists(
            domain,
            {
                "Newsletter": "News from the oven, once a month",
                "Weekly specials": "What is half price on Friday",
                "Baking classes": "Dates and free places",
                "Wholesale customers": "",
                "Birthday club": "A slice for free on the day",
            },
        ),
        custom_fields=_fields(
            domain,
            ("favourite_cake", "Favourite cake", "string", ()),
            ("birthday_note", "Birthday note", "text_area", ()),
            ("found_us_by", "Found us by", "string", ()),
            ("visits_per_month", "Visits per month", "number", ()),
            ("bread", "Bread", "single_select", ("Rye", "Wheat", "Spelt")),
        ),
    )


def _blue_door_books() -> Account:
    domain = "blue-door-books.example"
    # More than fifty, so that a client has to read a second page.
    circles = {f"Reading circle {number:02}": "" for number in range(1, 56)}
    return Account(
        id="p07e2m4xw8k1qa",
        organization="Blue Door Books",
        website=_WWW + domain,
        phone="+1 207 555 0117",
        city="Portland",
        state_code="ME",
        users=_users("bela", "noor", domain),
        lists=_lists(
            domain, {"Newsletter": "New books", "Readings": "Authors' evenings", **circles}
        ),
        custom_fields=_fields(
            domain,
            ("favourite_author", "Favourite author", "string", ()),
            ("reading_circle", "Reading circle", "string", ()),
        ),
    )


def _users(owner: str, creator: str, domain: str) -> tuple[User, ...]:
    return (User(f"{owner}@{domain}", OWNER), User(f"{creator}@{domain}", CAMPAIGN_CREATOR))


def _lists(domain: str, described: dict[str, str]) -> dict[str, ContactList]:
    made = (
        ContactList(_id(domain, "list", name), name, description)
        for name, description in described.items()
    )
    return {each.list_id: each for each in made}


def _fields(domain: str, *fields: tuple[str, str, str, Iterable[str]]) -> dict[str, CustomField]:
    made = (
        CustomField(_id(domain, "field", name), name, label, type_, tuple(choices))
        for name, label, type_, choices in fields
    )
    return {each.custom_field_id: each for each in made}


def _id(domain: str, kind: str, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://{domain}/{kind}/{name}"))
