"""LOAD DATA LOCAL: what a connection sends, and which requests for files it refuses."""

import re

SENT_AT_ONCE = 1024 * 1024  # bytes of the client's data in one packet
CR_LOCAL_REFUSED = 2068  # MySQL's number for it
LOCAL_REFUSED = (
    "the server asked for a file of this machine, and was refused: client.load_data.read_csv() sends files, and only"
    " those that it is given"
)
_EXPORT = re.compile(r"\bINTO\s+OUTFILE\b", re.IGNORECASE)


def fails_export(sql: str | bytes) -> bool:
    """Whether a statement that failed leaves the connection's next export a wrong path (server-facts 33)."""
    return _EXPORT.search(sql if isinstance(sql, str) else sql.decode(errors="replace")) is not None
