"""Words of spam: what robots advertise, and people who sign up hardly ever write.

Each is matched as whole words, in any case. A word belongs here if it means an offer and nothing
else: `casino` is a place, and `loan` a thing that banks' customers ask about.
"""

import re

SPAM_WORDS = (
    # medicine and sex
    *("viagra", "cialis", "levitra", "tramadol", "ozempic online", "buy xanax", "online pharmacy"),
    *(
        "canadian pharmacy",
        "weight loss pills",
        "male enhancement",
        "penis enlargement",
        "cbd gummies",
    ),
    *(
        "hot girls",
        "sexy girls",
        "girls near you",
        "singles near you",
        "adult dating",
        "sex dating",
    ),
    *("onlyfans leaks", "porn videos", "nude photos", "escort service", "escorts in"),
    # gambling
    *("online casino", "casino bonus", "casino online", "free spins", "no deposit bonus"),
    *("sports betting", "betting site", "slot gacor", "slot online", "situs judi", "judi online"),
    *(
        "togel",
        "1xbet",
        "mostbet",
        "pin up casino",
        "онлайн казино",
        "казино онлайн",
        "вулкан казино",
    ),
    *("бездепозитный бонус", "ставки на спорт", "игровые автоматы"),
    # money
    *("make money online", "earn money online", "passive income", "work from home and earn"),
    *("per day from home", "financial freedom", "double your bitcoin", "free bitcoin", "free btc"),
    *("bitcoin investment", "crypto investment", "crypto trading signals", "invest in crypto"),
    *("claim your prize", "claim your reward", "you have won", "you won", "gift card giveaway"),
    *("binary options", "forex signals", "guaranteed profit", "guaranteed returns", "payday loan"),
    *("payday loans", "loan offer", "instant loan approval", "no credit check", "bad credit ok"),
    *("million dollars", "million usd", "next of kin", "inheritance fund", "western union"),
    *("заработок в интернете", "заработок без вложений", "быстрый займ", "займ онлайн"),
    *("кредит без отказа", "пассивный доход", "перевод на карту", "вы выиграли"),
    *("geld verdienen online", "schnell geld verdienen", "kredit ohne schufa"),
    *("gana dinero", "ganar dinero desde casa", "prestamo inmediato", "gagner de l argent"),
    # promotion
    *("seo services", "seo service", "seo expert", "seo agency", "first page of google"),
    *("page 1 of google", "rank your website", "rank higher on google", "website traffic"),
    *(
        "organic traffic",
        "high quality backlinks",
        "quality backlinks",
        "buy backlinks",
        "backlinks",
    ),
    *("guest post", "guest posting", "link building", "domain authority", "email list for sale"),
    *("email leads", "buy followers", "instagram followers", "web design services"),
    *("redesign your website", "explainer video for your", "increase your sales"),
    *("contact form leads", "million contact forms", "google my business listing"),
    *("продвижение сайтов", "продвижение сайта", "раскрутка сайта", "база email"),
    *("купить дешево", "скидка 90", "diplom kupit", "купить диплом"),
    *(
        "cheap replica",
        "replica watches",
        "louis vuitton outlet",
        "ray ban outlet",
        "cheap jerseys",
    ),
    *("click here", "click the link", "limited time offer", "act now", "risk free"),
    *("telegram channel", "join our telegram", "whatsapp me", "add me on whatsapp"),
    # Chinese, Japanese
    *("代开发票", "办证", "网上赌场", "六合彩", "时时彩", "加微信", "副業で稼ぐ", "出会い系"),
)

_WORD = re.compile(r"[^\W_]+")
# Chinese and Japanese have no blanks between words.
_WITHOUT_BLANKS = tuple(each for each in SPAM_WORDS if each > "\u3000")
_BY_FIRST_WORD: dict[str, list[str]] = {}
for _each in SPAM_WORDS:
    if _each in _WITHOUT_BLANKS:
        continue
    _BY_FIRST_WORD.setdefault(_each.partition(" ")[0], []).append(_each)


def surely_no_spam_words(text: str) -> bool:
    """Whether a short text of plain letters has none, as a quick look tells."""
    return _BY_FIRST_WORD.keys().isdisjoint(text.lower().split())


def spam_words_in(text: str) -> list[str]:
    """Return the words of spam in the text."""
    words = _WORD.findall(text.lower())
    found: list[str] = []
    if not _BY_FIRST_WORD.keys().isdisjoint(words):
        spaced = f" {' '.join(words)} "
        first_words = sorted(_BY_FIRST_WORD.keys() & set(words))
        found = [
            each for first in first_words for each in _BY_FIRST_WORD[first] if f" {each} " in spaced
        ]
    if not text.isascii():
        found += [each for each in _WITHOUT_BLANKS if each in text]
    return found
