"""nginx and Caddy in front of web, with the files in deploy/ that people copy.

Only what must differ on the tests' machine is changed in them: ports, certificate, and folders.
"""

import re
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.architecture.project import read
from tests.support.certificates import self_signed
from tests.support.nginx import nginx_command
from tests.support.ports import free_port


@dataclass
class Proxy:
    """A proxy for the site `name`, in front of the web that listens on `web_port`. `quick`:
    silent clients are dropped after a second, and nobody waits for a web that is away."""

    kind: str
    name: str
    folder: Path
    web_port: int
    quick: bool = False

    def __post_init__(self) -> None:
        self.http_port, self.https_port = free_port(), free_port()
        (self.folder / "html").mkdir(parents=True)
        self.certificate = self_signed(self.folder / "certificate.pem", self.name)

    @property
    def url(self) -> str:
        return f"https://{self.name}"

    def logs(self) -> str:
        """Return all that it has logged."""
        return "\n".join(path.read_text() for path in self.folder.rglob("*.log"))

    def leads_here(self, find: Callable[..., Any]) -> Callable[..., Any]:
        """Return `socket.getaddrinfo`, by which ports 80 and 443 of the site are the proxy's."""
        ports = {80: self.http_port, 443: self.https_port}

        def find_ours(host: Any, port: Any, *args: Any, **options: Any) -> Any:
            if host == self.name:
                host, port = "127.0.0.1", ports.get(port, port)
            return find(host, port, *args, **options)

        return find_ours

    def __enter__(self) -> Self:
        command = self._nginx() if self.kind == "nginx" else self._caddy()
        environ = {"HOME": str(self.folder), "PATH": "/usr/sbin:/usr/bin:/bin"}
        with (self.folder / "process.log").open("w") as log:
            self._process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while not all(map(_listens, (self.http_port, self.https_port))):
            assert self._process.poll() is None, self.logs()
            assert time.monotonic() < deadline, f"{self.kind} did not start: {self.logs()}"
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=15)

    def _nginx(self) -> list[str]:
        text = self._adapted(read(f"deploy/nginx/{self.name}.conf"), "_timeout")
        text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
        text = text.replace("listen 80;", f"listen 127.0.0.1:{self.http_port};")
        text = text.replace("listen 443 ", f"listen 127.0.0.1:{self.https_port} ")
        text = re.sub(r"(ssl_certificate\w*) .*;", rf"\1 {self.certificate};", text)
        (self.folder / "site.conf").write_text(text)
        return nginx_command(self.folder, f"include {self.folder}/site.conf;")

    def _caddy(self) -> list[str]:
        text = self._adapted(read(f"deploy/caddy/{self.name}.Caddyfile"), "read_header")
        ports = f"http_port {self.http_port}\nhttps_port {self.https_port}"
        text = text.replace("{\n", f"{{\nadmin off\ndefault_bind 127.0.0.1\n{ports}\n", 1)
        site = f"{self.name} {{\n"
        text = text.replace(site, f"{site}tls {self.certificate} {self.certificate}\n")
        (self.folder / "Caddyfile").write_text(text)
        return ["caddy", "run", "--adapter", "caddyfile", "--config", f"{self.folder}/Caddyfile"]

    def _adapted(self, text: str, patience: str) -> str:
        text = text.replace("127.0.0.1:8080", f"127.0.0.1:{self.web_port}")
        text = text.replace("/var/www/html", f"{self.folder}/html")
        text = text.replace("/var/log/nginx/", f"{self.folder}/")
        if not self.quick:
            return text
        text = text.replace("lb_try_duration 5s", "lb_try_duration 100ms")
        text = text.replace("read_body 30s", "read_body 12s")  # web's ten seconds come first
        return re.sub(rf"({patience}) 10s", r"\1 1s", text)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
