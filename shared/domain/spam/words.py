"""Words of spam: what robots advertise, and people who sign up hardly ever write.

Each is matched as whole words, in any case. `casino` alone is a place, and `loan` a thing that
customers of banks ask about, so neither is here.
"""

import re


def _words(text: str) -> list[str]:
    return [word for line in text.split("\n") for word in line.split("|") if word]


# They mean an offer, and nothing else.
OFFERS = _words(
    """\
viagra|cialis|levitra|tramadol|buy xanax|online pharmacy|canadian pharmacy|weight loss pills
male enhancement|penis enlargement|cbd gummies|hot girls|sexy girls|girls near you
singles near you|adult dating|sex dating|onlyfans leaks|porn videos|nude photos|escort service
online casino|casino online|casino bonus|no deposit bonus|betting site|slot gacor|slot online
situs judi|judi online|togel|1xbet|mostbet|pin up casino
make money online|earn money online|work from home and earn|per day from home|free btc
double your bitcoin|free bitcoin|bitcoin investment|crypto investment|crypto trading signals
invest in crypto|claim your prize|claim your reward|gift card giveaway|binary options
forex signals|guaranteed profit|guaranteed returns|payday loan|payday loans|loan offer
instant loan approval|no credit check|bad credit ok|next of kin|inheritance fund
geld verdienen online|schnell geld verdienen|kredit ohne schufa|ganar dinero desde casa
gana dinero|prestamo inmediato|gagner de l argent
seo services|seo service|first page of google|page 1 of google|rank your website
rank higher on google|buy backlinks|quality backlinks|email list for sale|buy followers
redesign your website|explainer video for your|contact form leads|million contact forms
cheap replica|replica watches|louis vuitton outlet|ray ban outlet|cheap jerseys
limited time offer|whatsapp me|add me on whatsapp
онлайн казино|казино онлайн|вулкан казино|бездепозитный бонус|ставки на спорт
игровые автоматы|заработок в интернете|заработок без вложений|быстрый займ|займ онлайн
кредит без отказа|пассивный доход|вы выиграли|продвижение сайтов|продвижение сайта
раскрутка сайта|купить диплом"""
)
# People write them, too. Two of them count as one offer.
HINTS = _words(
    """\
sports betting|free spins|passive income|financial freedom|you have won|you won|million dollars
million usd|western union|seo expert|seo agency|website traffic|organic traffic|backlinks
guest post|guest posting|link building|domain authority|email leads|instagram followers
web design services|increase your sales|click here|click the link|act now|risk free
telegram channel|join our telegram|перевод на карту|база email|купить дешево"""
)
# Chinese and Japanese have no blanks between words.
OFFERS_WITHOUT_BLANKS = _words("代开发票|办证|网上赌场|六合彩|时时彩|加微信|副業で稼ぐ|出会い系")

HINT, OFFER = 1, 2
POINTS = dict.fromkeys(HINTS, HINT) | dict.fromkeys([*OFFERS, *OFFERS_WITHOUT_BLANKS], OFFER)

_WORD = re.compile(r"[^\W_]+")
_BY_FIRST_WORD: dict[str, list[str]] = {}
for _each in [*OFFERS, *HINTS]:
    _BY_FIRST_WORD.setdefault(_each.partition(" ")[0], []).append(_each)


def surely_no_spam_words(text: str) -> bool:
    """Whether a short text of plain letters has none, as a quick look tells."""
    return _BY_FIRST_WORD.keys().isdisjoint(text.lower().split())


def spam_words_in(text: str) -> list[str]:
    """Return the offers and hints in the text."""
    words = _WORD.findall(text.lower())
    found: list[str] = []
    if not _BY_FIRST_WORD.keys().isdisjoint(words):
        spaced = f" {' '.join(words)} "
        first_words = sorted(_BY_FIRST_WORD.keys() & set(words))
        found = [
            each for first in first_words for each in _BY_FIRST_WORD[first] if f" {each} " in spaced
        ]
    if not text.isascii():
        found += [each for each in OFFERS_WITHOUT_BLANKS if each in text]
    return found
