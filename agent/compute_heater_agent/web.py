"""HTTP: from a request to a resource and back, with everything Redfish asks for."""

import asyncio
from http import HTTPMethod
import json
import logging
from typing import Final

from aiohttp import web

from .heater import Heater
from .messages import Json, RedfishError, message
from .metadata import metadata_document
from .resource import ROOT, VERSIONS, Caller, Reply, Resource, etag, has_readings
from .resources import ResourceTree
from .resources.event_service import STREAM
from .stream import stream_events

_LOGGER = logging.getLogger(__name__)

BODY_LIMIT: Final = 64 * 1024
_BODY_TIMEOUT_S: Final = 10.0
_METADATA: Final = f"{ROOT}/$metadata"
_HEADERS: Final = {"OData-Version": "4.0", "Cache-Control": "no-store"}


class RedfishApplication:
    """Answers every request to the service."""

    def __init__(self, heater: Heater) -> None:
        self._heater = heater
        self._tree = ResourceTree(heater)
        self._special = {
            _METADATA: Resource(get=dict, public=frozenset({"GET", "HEAD"})),
            STREAM: Resource(get=dict),
        }

    def application(self) -> web.Application:
        """Return what aiohttp serves."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except RedfishError as err:
            return _respond(err.status, err.body, err.headers)
        except web.HTTPRequestEntityTooLarge:
            fault = RedfishError(413, message("PayloadTooLarge"))
            return _respond(413, fault.body, {"Connection": "close"})
        except Exception:
            # One request must not end the service.
            _LOGGER.exception("%s %s failed", request.method, request.path)
            fault = RedfishError(500, message("InternalError"))
            return _respond(500, fault.body, {})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        caller = Caller(address=request.remote or "")
        path = request.path
        resource = self._special.get(path) or self._tree.find(path)
        # Credentials come first: who has none learns nothing, not even what exists.
        if resource is None or request.method not in resource.public:
            await self._heater.authenticator.check(request.headers, caller.address)
            if path != STREAM:
                self._heater.machine.renew_lease()
        if resource is None:
            raise RedfishError(404, message("InvalidURI", path))
        if request.method not in (HTTPMethod.GET, HTTPMethod.HEAD):
            _LOGGER.info("%s %s", request.method, path)
        allow = {"Allow": ", ".join(resource.methods)}
        if request.method not in resource.methods:
            raise RedfishError(405, message("OperationNotAllowed"), headers=allow)
        _check_headers(request)
        match request.method:
            case HTTPMethod.GET | HTTPMethod.HEAD:
                if path == _METADATA:
                    return _respond_metadata(request, allow)
                if path == STREAM:
                    return await stream_events(request, self._heater.events)
                return _read(request, resource, allow)
            case HTTPMethod.PATCH:
                _check_precondition(request, resource)
                body = await _body(request)
                # The body may have taken its time: the tag must hold when it counts.
                _check_precondition(request, resource)
                assert resource.patch is not None
                resource.patch(body)
                return _read(request, resource, allow)
            case HTTPMethod.DELETE:
                _check_precondition(request, resource)
                assert resource.delete is not None
                resource.delete()
                return _respond(204, None, {})
        assert resource.post is not None
        reply: Reply = await resource.post(await _body(request), caller)
        return _respond(reply.status, reply.body, reply.headers)


def _read(
    request: web.Request, resource: Resource, headers: dict[str, str]
) -> web.Response:
    assert resource.get is not None
    body = resource.get()
    tag = etag(body)
    headers = headers | {"ETag": tag}
    unchanged = tag in _tags(request.headers.get("If-None-Match", ""))
    # Readings are not part of the tag, so with them a 304 would hide news.
    if unchanged and request.method != HTTPMethod.PATCH and not has_readings(body):
        return _respond(304, None, headers)
    if "@odata.id" in body:
        body["@odata.etag"] = tag
    return _respond(200, body, headers)


def _check_headers(request: web.Request) -> None:
    version = request.headers.get("OData-Version", "4.0")
    if version != "4.0":
        raise RedfishError(412, message("HeaderInvalid", "OData-Version"))
    kinds = {"*/*", "application/*", "application/json"}
    if request.path == _METADATA:
        kinds = {"*/*", "application/*", "application/xml"}
    elif request.path == STREAM:
        kinds = {"*/*", "text/*", "text/event-stream"}
    accepted = {
        part.partition(";")[0].strip()
        for part in request.headers.get("Accept", "*/*").split(",")
    }
    if not kinds & accepted:
        raise RedfishError(406, message("HeaderInvalid", "Accept"))
    for name in request.query:
        if name.startswith("$"):
            raise RedfishError(501, message("QueryParameterUnsupported", name))


def _check_precondition(request: web.Request, resource: Resource) -> None:
    wanted = request.headers.get("If-Match")
    if wanted is None or resource.get is None or wanted.strip() == "*":
        return
    if etag(resource.get()) not in _tags(wanted):
        raise RedfishError(412, message("PreconditionFailed"))


def _tags(header: str) -> list[str]:
    return [part.strip() for part in header.split(",")]


async def _body(request: web.Request) -> Json:
    if request.content_type not in ("application/json", "application/octet-stream"):
        raise RedfishError(415, message("HeaderInvalid", "Content-Type"))
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            raw = await request.read()
    except TimeoutError as err:
        raise RedfishError(
            408, message("OperationTimeout"), headers={"Connection": "close"}
        ) from err
    if not raw:
        return {}
    try:
        body = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as err:
        raise RedfishError(400, message("MalformedJSON")) from err
    if not isinstance(body, dict):
        raise RedfishError(400, message("UnrecognizedRequestBody"))
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _respond(status: int, body: Json | None, headers: dict[str, str]) -> web.Response:
    headers = _HEADERS | headers
    if body is None:
        return web.Response(status=status, headers=headers)
    described = _described_by(body)
    if described:
        headers["Link"] = described
    return web.json_response(body, status=status, headers=headers)


def _respond_metadata(request: web.Request, headers: dict[str, str]) -> web.Response:
    return web.Response(
        text=metadata_document(),
        content_type="application/xml",
        headers=_HEADERS | headers,
    )


def _described_by(body: Json) -> str | None:
    """Link to the schema of a body."""
    schema = body.get("@odata.type", "").lstrip("#").partition(".")[0]
    if not schema:
        return None
    version = VERSIONS.get(schema)
    name = f"{schema}.{version}" if version else schema
    return f"<https://redfish.dmtf.org/schemas/v1/{name}.json>; rel=describedby"
