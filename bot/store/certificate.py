"""What is wrong with a server's certificate: PostgreSQL's client says only that it does not verify."""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from bot.core.unusable import Unusable

SECONDS = 3
_ASK_FOR_TLS = bytes.fromhex("0000000804d2162f")
"""SSLRequest (postgresql.org, "Message Formats")."""

_EXPIRED = 10
"""X509_V_ERR_CERT_HAS_EXPIRED (openssl.org, "X509_STORE_CTX_get_error")."""


async def fault_of_certificate(connecting: Mapping[str, Any]) -> Unusable:
    """Shake hands with the first host as the client does, and say why its certificate is refused."""
    host = str(connecting.get("host") or "localhost").partition(",")[0]
    port = str(connecting.get("port") or "5432").partition(",")[0]
    root = str(connecting.get("sslrootcert") or "")
    with suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
        async with asyncio.timeout(SECONDS):
            context = ssl.create_default_context(cafile=None if root in {"", "system"} else root)
            context.check_hostname = False
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # libpq is not
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(_ASK_FOR_TLS)
                if await reader.readexactly(1) == b"S":
                    await writer.start_tls(context, server_hostname=host)
            except ssl.SSLCertVerificationError as error:
                if error.verify_code == _EXPIRED:
                    return Unusable.CERTIFICATE_EXPIRED
            finally:
                writer.close()
    return Unusable.UNTRUSTED
