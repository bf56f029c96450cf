"""What the URL of a server says: account, user, role, password, host, port, database and options."""

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.secrets import NotText, Secret
from matrixone_core.setting_checks import check_secret

_SCHEMES = frozenset(
    {"mysql", "matrixone"} | {f"{a}+{b}" for a in ("mysql", "matrixone") for b in ("pymysql", "aiomysql")}
)
_LOGIN_PARTS = ((), ("user",), ("account", "user"), ("account", "user", "role"))  # server-facts 46
_HINT = "mysql://user:password@host:port/database, with : / ? # @ and % in a part written %3A %2F %3F %23 %40 and %25"


def parse_url(url: Secret | NotText | None, source: str) -> dict[str, Any]:
    """Parse a URL into settings; the result has only those that the URL names.

    Args:
        url: the URL, masked.
        source: the argument or variable that it is of, for messages.

    Raises:
        InvalidArgument: it is no text, or cannot be read.
    """
    parsed = _read_url(check_secret(source, url))
    if isinstance(parsed, str):  # raised here, where the URL in pieces is no longer to be seen
        raise InvalidArgument(f"{source} {parsed}")
    return parsed


def _read_url(url: Secret) -> dict[str, Any] | str:
    """Return the settings in a URL, or the reason why it cannot be parsed."""
    try:
        parts = urlsplit(url.reveal())
        port = parts.port
    except ValueError:
        return f"cannot be read; it must be {_HINT}"
    if not parts.scheme:
        return f"does not begin with mysql://; it must be {_HINT}"
    if parts.scheme not in _SCHEMES:
        return f"begins with {show(parts.scheme)}; it must be {_HINT}"
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":  # what is behind it may be half of a password
        return f"has an @ after the first / or ?, or a / or ? that belongs to the password; it must be {_HINT}"
    login, _, _ = parts.netloc.rpartition("@")
    if login.count(":") > 1:
        return (
            f"has {login.count(':')} colons before the @ where one can be, between user and password; write account "
            "and role as arguments (account=, role=) or the colons in them as %3A"
        )
    user, has_password, password = login.partition(":")
    names = re.split(r"[:#]", unquote(user)) if user else []
    if len(names) > 3 or not all(names):
        return "has a user that is not user, account:user or account:user:role"
    parsed: dict[str, Any] = dict(zip(_LOGIN_PARTS[len(names)], names, strict=True))
    if has_password:
        parsed["password"] = Secret(unquote(password))
    if parts.hostname:
        parsed["host"] = parts.hostname
    if port is not None:
        parsed["port"] = port
    if database := unquote(parts.path.lstrip("/")):
        parsed["database"] = database
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    options.pop("charset", None)  # always utf8mb4
    return parsed | options
