"""Which key may go where. A key is sent to servers that the user allowed, never because a study file names both.

Allowed are: ``OPENAI_API_KEY`` for OpenAI's own hosts; what the environment says (``SYNTHMIX_ALLOW_KEYS``, pairs
``VARIABLE@SERVER`` with commas between); what the user's configuration says (``keys.yaml``, written by
``--allow-key``); and pairs given in code or on the command line. A server is a host, with its port where that is not
the usual one. Without a scheme it stands for https, and on this machine for http too; ``http://host:port`` insists on
sending a key unencrypted. ``localhost`` without a port stands for all of them.
"""

import base64
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, urlsplit

from synthmix.errors import BadInput
from synthmix.files import disk_errors, write_text

KEY = "OPENAI_API_KEY"
ALLOW = "SYNTHMIX_ALLOW_KEYS"
CONFIG = "SYNTHMIX_CONFIG"
FILE = "keys.yaml"
MASK = "(key)"
_OPENAI = "api.openai.com"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHORT = 8  # characters below which a key may well be a word of a text ("none", "EMPTY")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Server:
    """Where a key may go. ``scheme``: None for https, and for http on this machine."""

    host: str
    port: int | None
    scheme: str | None

    @classmethod
    def parse(cls, text: str) -> "Server":
        """``api.example.com``, ``localhost:8000``, ``http://gpu-1:8000/v1``: a path is of no matter.

        Raises:
            ValueError: not a server.
        """
        parts = urlsplit(text if "://" in text else f"//{text}")
        scheme = parts.scheme or None
        if not parts.hostname or scheme not in (None, "http", "https") or parts.username or "*" in parts.hostname:
            raise ValueError(text)
        return cls(parts.hostname.rstrip("."), parts.port, scheme)

    def allows(self, url: str) -> bool:
        """Whether ``url`` is an address of this server."""
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme)
        if host != self.host:
            return False
        if self.scheme is None:
            fits = parts.scheme == "https" or is_loopback(url)
        else:
            fits = parts.scheme == self.scheme
        if self.port is None and is_loopback(url):
            return fits
        return fits and port == (self.port or _PORTS.get(parts.scheme))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (f"{self.scheme}://" if self.scheme else "") + host + (f":{self.port}" if self.port else "")


def server_of(url: str) -> str:
    """Host and port of an address, without its scheme: on https, or on this machine. ``url`` itself if it is none."""
    try:
        parts = urlsplit(url)
        return str(Server(parts.hostname, parts.port, None)) if parts.hostname else url
    except ValueError:
        return url


def is_loopback(url: str) -> bool:
    """Whether ``url`` names this machine."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    return host in _LOOPBACK or host.endswith(".localhost") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def is_openai(url: str) -> bool:
    """Whether ``url`` is OpenAI's, its regions included, over https."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    return parts.scheme == "https" and parts.port in (None, 443) and (host == _OPENAI or host.endswith(f".{_OPENAI}"))


@dataclass(frozen=True)
class Allowed:
    """One permission: the environment variable ``variable`` may be sent to ``server``."""

    variable: str
    server: Server

    @classmethod
    def parse(cls, text: str, where: str | Path) -> "Allowed":
        """``EXAMPLE_KEY@api.example.com``.

        Raises:
            BadInput: not that.
        """
        variable, at, server = text.strip().partition("@")
        try:
            if at and _VARIABLE.fullmatch(variable):
                return cls(variable, Server.parse(server.strip()))
        except ValueError:
            pass
        raise BadInput(f"{text!r} is not VARIABLE@SERVER", where=where, remedy="write EXAMPLE_KEY@api.example.com")

    def __str__(self) -> str:
        return f"{self.variable}@{self.server}"


def config_file() -> Path:
    """The user's permissions: ``keys.yaml`` in ``SYNTHMIX_CONFIG``, else ``synthmix`` in ``XDG_CONFIG_HOME`` or
    ``~/.config``."""
    if own := os.environ.get(CONFIG):
        return Path(own) / FILE
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "synthmix" / FILE


def remembered() -> list[Allowed]:
    """What the user's configuration allows.

    Raises:
        BadInput: it is no list of permissions, or others than the user may write it.
    """
    import yaml

    path = config_file()
    try:
        text, mode = path.read_text(encoding="utf-8"), path.stat().st_mode
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read ({error})", where=path, remedy="mend or delete it") from None
    if mode & 0o022:
        raise BadInput("others may write it", where=path, remedy=f"chmod 600 {path}")
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        found = text
    lines = found.get("allow") if isinstance(found, dict) else None
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise BadInput("is not a list of permissions", where=path, key="allow", remedy="write allow: [VARIABLE@SERVER]")
    return [Allowed.parse(line, path) for line in lines]


def remember(pairs: Iterable[Allowed]) -> Path:
    """Add permissions to the user's configuration; its file.

    Raises:
        BadInput: see :func:`remembered`; the folder cannot be written to.
    """
    path, known = config_file(), remembered()
    known += [pair for pair in pairs if pair not in known]
    lines = "".join(f"- {pair}\n" for pair in dict.fromkeys(known))
    head = "# Environment variables that may be sent to servers as keys (docs/generation.md).\n"
    write_text(path, f"{head}allow:\n{lines}")
    with disk_errors(path):
        path.chmod(0o600)
    return path


def permissions(given: Iterable[str] = ()) -> tuple[Allowed, ...]:
    """What ``given`` (from code or the command line), the environment and the user's configuration allow.

    Raises:
        BadInput: one of them is no list of permissions.
    """
    pairs = [Allowed.parse(text, "allow_keys") for text in given]
    named = [text for text in os.environ.get(ALLOW, "").split(",") if text.strip()]
    return (*pairs, *(Allowed.parse(text, ALLOW) for text in named), *remembered())


def key_for(url: str, key_env: str | None, allowed: Sequence[Allowed]) -> str | None:
    """The key for ``url``, from the environment; None for a server that gets none.

    Args:
        key_env: the variable that a study file or an option names. Absent, the key is OpenAI's, for its hosts and those
            that the user allowed it for; other servers on https need a variable, those on http get along without.

    Raises:
        BadInput: no key where one is needed, one that may not go there, or one that no header can hold.
    """
    name = key_env or KEY
    servers = [pair.server for pair in allowed if pair.variable == name]
    permitted = any(server.allows(url) for server in servers) or (name == KEY and is_openai(url))
    hosted = urlsplit(url).scheme == "https"
    if key_env is None and not permitted and not hosted:
        return None  # a server that asks for no key, as far as we were told
    key = os.environ.get(name, "").strip()
    if not key:
        raise BadInput(
            f"no key: the environment variable {name} is not set",
            where=url if hosted else None,
            remedy=f"export {name}=..., or name another one with --key-env",
        )
    if not (key.isascii() and key.isprintable()):
        raise BadInput(f"the environment variable {name} does not hold a key", remedy="set it again")
    if not permitted:
        raise _forbidden(url, name)
    return key


def _forbidden(url: str, name: str) -> BadInput:
    parts, server = urlsplit(url), server_of(url)
    if parts.scheme == "http" and not is_loopback(url):
        problem, server = f"{name} would go there unencrypted", f"http://{server}"
        remedy = f"use https, or insist with --allow-key {name}@{server}"
    else:
        problem = f"{name} may not be sent there: nobody allowed it"
        remedy = f"if you trust this server: --allow-key {name}@{server} (remembered), or {ALLOW}={name}@{server}"
    return BadInput(problem, where=url, key="key_env", remedy=remedy)


@dataclass(frozen=True)
class Masked:
    """Replaces a key, in any of the forms in which a server may echo it, by ``(key)``."""

    key: str | None = field(repr=False)

    def __call__(self, text: str) -> str:
        """``text`` without the key."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def text(self, text: str) -> str:
        """The same for the text of an answer, in which a key of a few letters is a word like any other."""
        return text if self.key is None or len(self.key) < _SHORT else self(text)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if not self.key:
            return None
        raw = self.key.encode()
        coded = {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
        forms = {self.key, json.dumps(self.key)[1:-1], quote(self.key, safe=""), self.key[::-1], raw.hex(), *coded}
        found = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        if len(self.key) >= _SHORT:
            return re.compile(found, re.IGNORECASE)
        return re.compile(rf"\b(?:{re.escape(self.key)})\b")
