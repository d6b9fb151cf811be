"""Words of spam: what robots advertise, and people who sign up hardly ever write.

Each is matched as whole words, in any case, with or without accents and disguises. `casino` alone
is a place, and `loan` a thing that customers of banks ask about, so neither is here.
"""

# ruff: noqa: RUF001 - letters that look like others are meant

import re

from shared.domain.spam.disguises import BETWEEN_LETTERS, undisguised

_WORD = re.compile(r"[^\W_]+")


def _words(text: str) -> list[str]:
    return [word for line in text.split("\n") for word in line.split("|") if word]


# They mean an offer, and nothing else.
OFFERS = _words(
    """\
viagra|cialis|levitra|kamagra|tramadol|buy xanax|online pharmacy|canadian pharmacy
weight loss pills|male enhancement|penis enlargement|cbd gummies|keto gummies|potenzmittel
виагра|сиалис
hot girls|sexy girls|girls near you|singles near you|adult dating|sex dating|onlyfans leaks
porn videos|nude photos|escort service|call girls|sexkontakte|sex treffen|plan cul
rencontre coquine|rencontres coquines|garotas de programa|chicas calientes|incontri per adulti
проститутки|индивидуалки|секс знакомства|знакомства для секса
online casino|casino online|casino bonus|no deposit bonus|free spins|betting site|1xbet|mostbet
pin up casino|casino en ligne|bonus sans dépôt|casino en línea|bono sin depósito
bonus senza deposito|scommesse online|cassino online|apostas online|bonus ohne einzahlung
kasyno online|bonus bez depozytu|online kasino|bonus bez vkladu|deneme bonusu|canlı bahis
bahis siteleri|nhà cái|cá cược|nổ hũ|slot gacor|slot online|situs judi|judi online
agen togel|bandar togel|togel online
онлайн казино|казино онлайн|вулкан казино|бездепозитный бонус|бонус без депозита
бонусом без депозиту|ставки на спорт|игровые автоматы
make money online|earn money online|work from home and earn|per day from home|trading bot
geld verdienen online|schnell geld verdienen|ganar dinero desde casa|gana dinero
trabaja desde casa|gagner de l'argent|rendement garanti|guadagnare online|ganhar dinheiro online
renda extra|zarabianie online|evden para kazan|заработок в интернете|заработок без вложений
пассивный доход|работа на дому
free btc|free bitcoin|double your bitcoin|bitcoin investment|crypto investment|usdt airdrop
invest in crypto|crypto trading signals|crypto recovery|lost crypto|seed phrase|forex signals
binary options|guaranteed profit|guaranteed returns|garantierte gewinne|claim your prize
claim your reward|claim your tokens|gift card giveaway|free iphone|you won an iphone|вы выиграли
вам начислено
payday loan|payday loans|loan offer|instant loan approval|no credit check|bad credit ok
regardless of your credit|kredit ohne schufa|sofortkredit|prêt entre particuliers
offre de prêt|crédit rapide|préstamo inmediato|préstamo rápido|préstamo entre particulares
empréstimo rápido|prestito veloce|geld lenen zonder bkr|snabblån|lån utan uc|szybka pożyczka
rychlá půjčka|půjčka bez registru|pinjaman online|быстрый займ|займ онлайн|кредит без отказа
next of kin|inheritance fund|fake passports|write my essay|essay writing service
cracked software|activation keys|limited time offer|whatsapp me|add me on whatsapp
seo services|seo service|free seo audit|first page of google|page 1 of google
rank your website|rank higher on google|buy backlinks|quality backlinks|email list for sale
buy followers|cheap followers|redesign your website|explainer video for your
contact form leads|million contact forms|platz 1 bei google|seite 1 bei google|backlinks kaufen
follower kaufen|première page de google|acheter des abonnés|primera página de google
comprar seguidores|primeira página do google|prima pagina di google|pozycjonowanie stron
продвижение сайтов|продвижение сайта|раскрутка сайта|прогон хрумером|вечные ссылки
рассылка по формам
cheap replica|replica watches|louis vuitton outlet|ray ban outlet|cheap jerseys|купить диплом"""
)
# People write them, too. Two of them count less than one offer.
HINTS = _words(
    """\
you have won|you won|your prize|congratulations|your reward|sie haben gewonnen
herzlichen glückwunsch|vous avez gagné|félicitations|has ganado|felicidades|você ganhou|parabéns
hai vinto|congratulazioni|kazandınız|tebrikler|anda menang|selamat anda|поздравляем
вы победитель|получите приз|gift card|giveaway|iphone|airdrop|last chance
click here|click the link|act now|claim now|klick hier|jetzt sichern|cliquez ici|haz clic
clique aqui|clicca qui|tıkla|klik disini|klik di sini|перейдите по ссылке
whatsapp|telegram|телеграм|call now
million dollars|million usd|western union|your wallet|withdraw|payout|вывести|перевод на карту
passive income|financial freedom|risk free|on autopilot|zero experience|work from home
reich werden|zarabiaj|ai trading|forex trading|crypto trading|investment opportunity
business loan|working capital|business funding|debt relief|business proposal|credito rapido
sports betting|sportwetten|apuestas deportivas|apostas esportivas|paris sportifs|tiradas gratis
rodadas grátis|tours gratuits|darmowe spiny|deposit pulsa
rezeptfrei|sans ordonnance|sin receta|без рецепта|belly fat|weight loss
seo expert|seo agency|seo audit|website traffic|organic traffic|more traffic|backlinks
guest post|guest posting|sponsored post|sponsored article|sponsored articles|do follow|dofollow
link building|domain authority|website ranking|ranking on google|rank higher|top of google
suchmaschinenoptimierung|référencement naturel|posicionamiento web|kup linki
devis gratuit|free audit|free quote|low cost|affordable price|mobile friendly|kindly share
came across your website|looking at your website|noticed your site|errors on your site
digital marketing company|web development company|web design services|app development
email leads|email lists|decision makers|lead generation|data entry|virtual assistants
contact forms|instagram followers|tiktok followers|youtube views|google reviews
increase your sales|explainer video|factory direct|moq|domain expires|about to expire
copyright infringement|база email|база сайтов|обратной связи|купить дешево"""
)
# Not all languages have blanks between words, and some join them.
OFFERS_WITHOUT_BLANKS = _words(
    """\
代开发票|办证|网上赌场|赌场在线|在线赌场|百家乐|六合彩|时时彩|加微信|加我微信|在家赚钱
副業で稼ぐ|出会い系|オンラインカジノ|入金不要ボーナス|온라인카지노|카지노사이트|바카라사이트|토토사이트
บาคาร่าออนไลน์|สล็อตเว็บตรง|คาสิโนออนไลน์|كازينو على الانترنت|بدون ايداع|ऑनलाइन सट्टा|घर बैठे पैसे कमाएं"""
)

# These mean something only beside a number or a user.
MESSENGERS = _words(
    "whatsapp|telegram|viber|wechat|snapchat|signal|kakao|zalo|line|kik|zap|tg|wa|телеграм|вайбер"
)
CURRENCIES = _words("btc|eth|usdt|usd|eur|euro|euros|dollar|dollars|руб|рублей|грн")

HINT, OFFER = 1, 3
POINTS = dict.fromkeys(HINTS, HINT) | dict.fromkeys([*OFFERS, *OFFERS_WITHOUT_BLANKS], OFFER)


# Each first word with the phrases that begin with it: as they are looked for, and as they are told.
_BY_FIRST_WORD: dict[str, list[tuple[str, str]]] = {}
for _each in [*OFFERS, *HINTS]:
    _phrase = _WORD.findall(undisguised(_each))
    _BY_FIRST_WORD.setdefault(_phrase[0], []).append((f" {' '.join(_phrase)} ", _each))
# `dot` is of `example dot com`.
_TELLING = frozenset(
    word.encode() for word in [*_BY_FIRST_WORD, *MESSENGERS, *CURRENCIES, "dot"] if word.isascii()
)
_WITHOUT_BLANKS = {undisguised(each): each for each in OFFERS_WITHOUT_BLANKS}
_ANY_WITHOUT_BLANKS = re.compile("|".join(_WITHOUT_BLANKS))

# Lower case, and a blank in place of each sign, but for those that spell a word out.
_BETWEEN = ord(BETWEEN_LETTERS[0])
_PLAIN = bytes(
    ord(chr(n).lower()) if chr(n).isalnum() else _BETWEEN if chr(n) in BETWEEN_LETTERS else 32
    for n in range(128)
).ljust(256)


def surely_no_telling_words(text: str) -> bool:
    """Whether a text of ASCII has no word of spam, messenger or currency, as a quick look tells."""
    plain = text.encode().translate(_PLAIN)
    return _BETWEEN not in plain and _TELLING.isdisjoint(plain.split())


def spam_words_in(text: str) -> list[str]:
    """Return the offers and hints in the text."""
    plain = undisguised(text).lower()
    words = _WORD.findall(plain)
    found: list[str] = []
    if not _BY_FIRST_WORD.keys().isdisjoint(words):
        spaced = f" {' '.join(words)} "
        first_words = sorted(_BY_FIRST_WORD.keys() & set(words))
        candidates = [each for first in first_words for each in _BY_FIRST_WORD[first]]
        found = [told for phrase, told in candidates if phrase in spaced]
    if not plain.isascii():
        found += [_WITHOUT_BLANKS[each] for each in sorted(set(_ANY_WITHOUT_BLANKS.findall(plain)))]
    return found
