"""Reading resources that a service may or must have."""

from .model import HeaterAuthError, HeaterProtocolError
from .redfish_client import RedfishClient
from .redfish_errors import RedfishStatusError
from .redfish_json import JsonObject


async def optional(client: RedfishClient, uri: str | None) -> JsonObject:
    """Read what a heater may lack or not serve properly; then empty."""
    if uri is None:
        return {}
    try:
        return (await client.get(uri)).body
    except HeaterProtocolError:
        return {}


async def optional_links(client: RedfishClient, uri: str | None) -> list[str]:
    """Read the links of a collection that may not be there."""
    if uri is None:
        return []
    try:
        return await client.member_links(uri)
    except HeaterProtocolError:
        return []


async def required(client: RedfishClient, uri: str | None) -> list[JsonObject]:
    """Read what is there of a collection, none where the service has no such collection."""
    if uri is None:
        return []
    try:
        return await client.present_members(uri)
    except RedfishStatusError as err:
        if err.status == 403:
            raise HeaterAuthError(str(err)) from err
        if err.status == 404:
            return []
        raise
