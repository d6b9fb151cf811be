"""The web servers that `accept` compares, and what a load costs them."""

from dataclasses import dataclass, field

import redis
import requests

from tests.bench.correctness import expect
from tests.bench.cpu import group_cpu
from tests.bench.form_posts import form_posts
from tests.bench.peers import web_server
from tests.bench.relay_stack import start_module
from tests.bench.visitors import send_all
from tests.support.ports import free_port
from tests.support.stack import Stack, eventually


@dataclass(frozen=True, slots=True)
class Load:
    """How fast a server answered, and the µs of CPU that each request cost whom.

    `latencies` are in milliseconds.
    """

    per_second: float
    latencies: list[float]
    web: float
    valkey: float
    generator: float


@dataclass(slots=True)
class WebServer:
    """A server at `address`, whose processes are the group `group`. It keeps all answers."""

    name: str
    address: str
    group: int
    valkey: "redis.Redis"
    bodies: list[bytes] = field(default_factory=list)

    def load(self, count: int, rate: float | None = None) -> Load:
        """Send `count` new sign-ups, as fast as answers come or `rate` a second."""
        posts = form_posts(count, first=len(self.bodies))
        web, valkey = group_cpu(self.group), self._valkey_cpu()
        answers = send_all(self.address, posts, rate=rate)
        web, valkey = group_cpu(self.group) - web, self._valkey_cpu() - valkey
        expect(f"answers of {self.name}", dict(answers.statuses), {202: count})
        self.bodies += answers.bodies
        return Load(
            per_second=count / answers.seconds,
            latencies=[seconds * 1e3 for seconds in answers.latencies],
            web=web / count * 1e6,
            valkey=valkey / count * 1e6,
            generator=answers.cpu / count * 1e6,
        )

    def _valkey_cpu(self) -> float:
        used = self.valkey.info("cpu")
        return float(used["used_cpu_user"] + used["used_cpu_sys"])


def start_ours(stack: Stack, name: str) -> WebServer:
    return WebServer(name, stack.address, stack.start_web().pid, stack.valkey.client())


def start_peer(stack: Stack, name: str, module: str) -> WebServer:
    address = f"127.0.0.1:{free_port()}"
    child = start_module(stack, web_server(module, address))
    eventually(lambda: _answers(address), what=f"the start of {module}")
    return WebServer(name, address, child.pid, stack.valkey.client())


def _answers(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/", timeout=1).status_code == 404
    except requests.RequestException:
        return False
