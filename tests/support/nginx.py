"""A real nginx in front of web, on a port of 127.0.0.1, with locations of docs/proxies.md."""

import re
import subprocess
import time
from pathlib import Path
from typing import Self

import requests

from tests.architecture.project import read
from tests.support.ports import free_port

WEBSITE = "the website's own page"
_EXAMPLE = re.compile(r"^```nginx\n(location .*?)^```", re.MULTILINE | re.DOTALL)

_FRAME = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr warn;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
}}
"""
_WEBSITE = """
    log_format without_query '$remote_addr [$time_local] "$request_method $uri" $status';
    types {{ }}
    default_type text/plain;
    server {{
        listen 127.0.0.1:{port};
        access_log {folder}/access.log without_query;
        {location}
        location / {{
            return 200 "{website}";
        }}
    }}
"""


def nginx_command(folder: Path, http: str) -> list[str]:
    """Return what starts nginx in the foreground, with `http` in its block of that name.

    It writes only to `folder`, and its errors to the standard error.
    """
    configuration = folder / "nginx.conf"
    configuration.write_text(_FRAME.format(folder=folder, http=http))
    return ["/usr/sbin/nginx", "-c", str(configuration)]


def documented_locations() -> dict[str, str]:
    """Return the example that strips the path, and the one that keeps it."""
    stripped, kept = _EXAMPLE.findall(read("docs/proxies.md"))
    return {"stripped": stripped, "kept": kept}


class Nginx:
    """Passes what `location` names on to web, and answers everything else as another website."""

    def __init__(self, folder: Path, location: str, web_port: int) -> None:
        folder.mkdir()
        self.port = free_port()
        self.access_log = folder / "access.log"
        location = location.replace("127.0.0.1:8080", f"127.0.0.1:{web_port}")
        location = location.replace("/var/log/nginx/signup.log", str(self.access_log))
        website = _WEBSITE.format(folder=folder, port=self.port, location=location, website=WEBSITE)
        self._command = nginx_command(folder, website)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, self._process.communicate()[1]
            assert time.monotonic() < deadline, "nginx did not start"
            time.sleep(0.02)
        return self

    def _answers(self) -> bool:
        try:
            return requests.get(self.url, timeout=1).text == WEBSITE
        except requests.RequestException:
            return False

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=15)
