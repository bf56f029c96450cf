"""TLS for connections: the certificates' files become a context."""

import ssl

from matrixone_core.dialect.base import TlsOptions
from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show


def make_context(options: TlsOptions) -> ssl.SSLContext:
    """Make the context that connections are encrypted with.

    Args:
        options: how to encrypt, and the files.

    Raises:
        InvalidArgument: a file cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=options.ca)
        if options.cert:
            context.load_cert_chain(options.cert, options.key)
    except (OSError, ssl.SSLError) as error:
        files = {"ssl_ca": options.ca, "ssl_cert": options.cert, "ssl_key": options.key}
        given = ", ".join(f"{name}={show(file)}" for name, file in files.items() if file)
        raise InvalidArgument(f"the certificates of {given} cannot be read: {error}") from None
    context.check_hostname = options.mode == "verify_identity"
    if options.mode == "required":
        context.verify_mode = ssl.CERT_NONE
    return context
