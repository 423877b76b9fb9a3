"""What a broken HTTP connection means for a heater."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from .model import (
    HeaterCertificateError,
    HeaterConnectionError,
    HeaterError,
    HeaterProtocolError,
)
from .redfish_tls import presented_fingerprint


@asynccontextmanager
async def http_errors(
    session: aiohttp.ClientSession, address: URL
) -> AsyncGenerator[None]:
    """Translate what aiohttp raises about the service at an address."""
    if session.closed:
        raise HeaterConnectionError("closed")
    try:
        yield
    except HeaterError:
        raise
    except aiohttp.ClientConnectorCertificateError as err:
        raise HeaterCertificateError(await presented_fingerprint(address)) from err
    except aiohttp.ServerFingerprintMismatch as err:
        raise HeaterCertificateError(err.got.hex()) from err
    except TimeoutError as err:
        raise HeaterConnectionError("no answer in time") from err
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as err:
        raise HeaterConnectionError(str(err) or type(err).__name__) from err
    except aiohttp.ClientError as err:
        raise HeaterProtocolError(f"no HTTP service: {type(err).__name__}") from err
