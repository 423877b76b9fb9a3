"""Who answers at an address, asked without credentials."""

import aiohttp

from .model import HeaterProtocolError
from .redfish_client import ROOT_PATH
from .redfish_json import text
from .redfish_transport import RedfishTransport


async def service_uuid(
    session: aiohttp.ClientSession, address: str, fingerprint: str | None = None
) -> str | None:
    """UUID that a service root states (DSP0266 opens it to all); None if it has none.

    It is a claim; only a certificate proves it. Raises HeaterConnectionError,
    HeaterCertificateError or HeaterProtocolError.
    """
    reply = await RedfishTransport(session, address, fingerprint).send("GET", ROOT_PATH)
    if reply.status != 200:
        raise HeaterProtocolError(f"status {reply.status} at the service root")
    uuid = text(reply.body, "UUID")
    return uuid.lower() if uuid else None
