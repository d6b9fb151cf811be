"""How much memory the server uses: now, in the last weeks, and what that tells about the next."""

from typing import Any

import redis

from shared.domain.memory_forecast import MemoryForecast, MemorySample, forecast
from shared.infrastructure.stored_records import RecordKind, read_all
from shared.ledger import keys, limits
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.redis_server.server_id import redis_time
from shared.ledger.script_library import Scripts
from shared.ledger.time_units import from_milliseconds

NOTE_EVERY = limits.MEMORY_SLOT


class ServerMemory:
    """Every method raises `LedgerUnavailable`. A server may refuse to tell about itself."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def note(self) -> None:
        """Note how much is used now, for later forecasts. One process in five minutes is enough."""
        used = self._info().get("used_memory")
        if used is not None:
            self._scripts.run("memory/note", history=keys.MEMORY, used=used)

    def forecast(self) -> MemoryForecast | None:
        """Return when the server will be full; None if it does not tell how full it is."""
        info = self._info()
        maxmemory = info.get("maxmemory")
        limit = maxmemory or info.get("total_system_memory")
        if not limit or "used_memory" not in info:
            return None
        now = redis_time(self._client)
        return forecast(info["used_memory"], limit, self._samples(), now, limited=bool(maxmemory))

    def _samples(self) -> list[MemorySample]:
        with redis_errors_translated():
            stored = self._client.hgetall(keys.MEMORY)
        notes = {str(slot): str(note) for slot, note in stored.items()}
        found = read_all(RecordKind.MEMORY, notes, _sample)
        return sorted(found.values(), key=lambda each: each.at)

    def _info(self) -> dict[str, Any]:
        with redis_errors_translated():
            try:
                return dict(self._client.info("memory"))
            except redis.ResponseError:  # many managed ones do not allow it
                return {}


def _sample(note: Any) -> MemorySample:
    at, used = str(note).split()
    return MemorySample(at=from_milliseconds(at), used=int(used))
