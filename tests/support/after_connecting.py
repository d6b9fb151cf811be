"""A connected account as the commands left it, put back into the clean ledger of another test."""

from collections.abc import Mapping
from typing import Any

import redis

from shared.constant_contact.factory import make_vault
from shared.constant_contact.token_set import TokenSet
from shared.infrastructure.settings import Settings
from shared.ledger import keys

OF_TOKENS = ("tokens", "token-spent")
_SOON = 60_000


def lasting_keys(client: "redis.Redis") -> set[str]:
    """Return the keys but for those that end within a minute: on a busy machine they end between
    one look and the next."""
    lives = {str(key): client.pttl(key) for key in client.scan_iter()}
    return {key for key, life in lives.items() if life == -1 or life > _SOON}


class AfterConnecting:
    """Keeps what lasts in a ledger, but for the tokens: the sandbox forgets them with each test."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, Any]] = {}  # how long each lasts, and its dump

    @property
    def known(self) -> bool:
        return bool(self._kept)

    def keep(self, client: "redis.Redis", account: str) -> None:
        of_tokens = {f"{keys.account(account)}{name}" for name in OF_TOKENS}
        for key in lasting_keys(client) - of_tokens:
            self._kept[key] = max(0, client.pttl(key)), client.dump(key)

    def put_back(
        self, client: "redis.Redis", account: str, tokens: Mapping[str, Any], settings: Settings
    ) -> None:
        """Have the vault store and refresh `tokens`, as connecting does, and put all else back."""
        vault = make_vault(settings, client)
        given = TokenSet.from_json(tokens)
        assert given is not None
        vault.store(account, given, client_id=settings.client_id)
        vault.refresh(account)
        with client.pipeline(transaction=False) as restoring:
            for key, (life, dump) in self._kept.items():
                restoring.restore(key, life, dump, replace=True)
            restoring.execute()
