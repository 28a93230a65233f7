"""Why nothing came of asking another host: one cause for each fault that has a remedy of its own.

The errors of aiohttp hold addresses, and addresses hold keys: only the cause leaves.
"""

import errno
import socket
import ssl

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from bot.core.reading import Cause

_NEVER = float("inf")
_TO_CONNECT = 0.9
"""Of the time for an answer: a connection that never comes is told apart from an answer that does not."""

_BY_ERRNO = {
    errno.ECONNREFUSED: Cause.CONNECTION_REFUSED,
    errno.EHOSTUNREACH: Cause.NO_ROUTE,
    errno.ENETUNREACH: Cause.NO_ROUTE,
    errno.EHOSTDOWN: Cause.NO_ROUTE,
    errno.ENETDOWN: Cause.NO_ROUTE,
    errno.EADDRNOTAVAIL: Cause.NO_ROUTE,
    errno.ETIMEDOUT: Cause.CONNECT_TIMEOUT,
    errno.ECONNRESET: Cause.BROKEN_OFF,
    errno.ECONNABORTED: Cause.BROKEN_OFF,
    errno.EPIPE: Cause.BROKEN_OFF,
}

_BY_VERIFY_CODE = {
    9: Cause.CERTIFICATE_EXPIRED,  # not yet valid: the clock here may be wrong as well
    10: Cause.CERTIFICATE_EXPIRED,
    18: Cause.CERTIFICATE_SELF_SIGNED,
    62: Cause.CERTIFICATE_OF_ANOTHER,
    64: Cause.CERTIFICATE_OF_ANOTHER,
}
"""OpenSSL's X509_V_ERR_… ("openssl-verification-options"); all others: the issuer is not trusted."""

_UNKNOWN_NAMES = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


class BrokenConnectionError(aiohttp.ClientConnectionError):
    """A connection that failed, with its cause alone: of this kind aiohttp makes no second try."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


def patience(seconds: float) -> aiohttp.ClientTimeout:
    """Return aiohttp's own limits where the caller bounds the whole by so many seconds."""
    return aiohttp.ClientTimeout(total=None, connect=seconds * _TO_CONNECT, ceil_threshold=_NEVER)


def never_connected(error: Exception) -> bool:
    """Whether the other host can have seen nothing of the request."""
    return isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


def cause_of(error: Exception) -> Cause:
    """Return what an error of aiohttp, of TLS or of the operating system means."""
    match error:
        case BrokenConnectionError():
            return error.cause
        case aiohttp.ConnectionTimeoutError():
            return Cause.CONNECT_TIMEOUT
        case TimeoutError():
            return Cause.TIMEOUT
        case aiohttp.ClientConnectorError():
            return _of_connecting(error)
        case ssl.SSLError():
            return Cause.TLS
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | ConnectionError():
            return Cause.BROKEN_OFF
        case aiohttp.ClientResponseError() | HttpProcessingError():
            return Cause.NOT_HTTP
        case OSError():
            return _BY_ERRNO.get(error.errno or 0, Cause.NETWORK)
    return Cause.NETWORK


async def not_repeated(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request once: where a connection breaks aiohttp repeats a GET by itself, and each counts."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        cause = cause_of(error)
    # Raised out here: inside the `except` it would carry aiohttp's error, and that one the URL.
    raise BrokenConnectionError(cause)


def _of_connecting(error: aiohttp.ClientConnectorError) -> Cause:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            code = getattr(error.certificate_error, "verify_code", None)
            return _BY_VERIFY_CODE.get(code or 0, Cause.CERTIFICATE_UNTRUSTED)
        case aiohttp.ClientConnectorDNSError():
            unknown = error.os_error.errno in _UNKNOWN_NAMES
            return Cause.NAME_UNKNOWN if unknown else Cause.NAME_NOT_RESOLVED
        case aiohttp.ClientSSLError():
            return Cause.TLS
    return _BY_ERRNO.get(error.os_error.errno or 0, Cause.NETWORK)
