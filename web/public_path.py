"""The paths of requests: below the path of RELAY_PUBLIC_URL or not, in every spelling we accept."""

from collections.abc import Collection


def route_path(path: str, prefix: str, roots: Collection[str]) -> str:
    """Return `path` as the app's routes have it: without `prefix` and without doubled slashes.

    `prefix` is the path of RELAY_PUBLIC_URL. Requests may come with it or without it: some proxies
    strip it, some keep it, and a request to RELAY_BIND needs none. `roots` are the first parts of
    the app's own paths, such as `f` and `console`.

    In the path of a form, a slash at the end and upper case do not count. A redirect to the right
    address would lose what a script or an older browser posts.
    """
    parts, before = _parts(path), _parts(prefix)
    rest = parts[len(before) :]
    # A path such as /f is a prefix and a path of ours, too. What follows decides.
    if parts[: len(before)] == before and (not rest or _root(rest) in roots):
        parts = rest
    if _root(parts) == "f" and len(parts) > 1:
        parts = ["f", parts[1], *(part.lower() for part in parts[2:])]
    elif path.endswith("/"):
        parts.append("")
    return "/" + "/".join(parts)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _root(parts: list[str]) -> str:
    return parts[0].lower() if parts else ""
