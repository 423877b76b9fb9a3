"""Certificates of Redfish services, which are almost always self-signed."""

import asyncio
from hashlib import sha256
import ssl

from yarl import URL

FETCH_S = 10.0


def fingerprint_bytes(text: str) -> bytes:
    """Read a SHA-256 fingerprint, with or without colons; raises ValueError."""
    digest = bytes.fromhex(text.replace(":", "").strip())
    if len(digest) != sha256().digest_size:
        raise ValueError("not a SHA-256 fingerprint")
    return digest


async def presented_fingerprint(url: URL) -> str | None:
    """SHA-256 (hex) of the certificate that ``url`` shows now, None if it shows none.

    No request is sent over this connection: nobody has trusted it yet.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(FETCH_S):
            _, writer = await asyncio.open_connection(
                url.host, url.port, ssl=context, server_hostname=url.host
            )
    except OSError, TimeoutError, ValueError:
        return None
    try:
        tls = writer.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls else None
    finally:
        writer.transport.abort()
    return sha256(certificate).hexdigest() if certificate else None
