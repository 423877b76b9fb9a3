"""A small Redfish service on loopback for shapes and faults that our agent never shows.

It keeps resources in a dictionary, takes PATCH and Reset like a plain BMC, and lets a
test put its own handler in front of any request.
"""

from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import json
import ssl
from typing import Any

from aiohttp import web

ROOT = "/redfish/v1"
USER = "operator"
PASSWORD = "correct horse"

type Json = dict[str, Any]
type Handler = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


def error(status: int, message_id: str, message: str = "No.") -> web.Response:
    """Word an error as Redfish does."""
    info = {
        "MessageId": f"Base.1.18.{message_id}",
        "Message": message,
        "Severity": "Critical",
    }
    body = {
        "error": {"code": "Base.1.18.GeneralError", "@Message.ExtendedInfo": [info]}
    }
    return web.json_response(body, status=status)


@dataclass
class Bmc:
    """The service. ``front`` handlers answer before it does, or return None."""

    resources: dict[str, Json]
    sessions: bool = True
    basic: bool = True
    needs_match: bool = False
    front: dict[tuple[str, str], Handler] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    url: str = ""
    logins: int = 0
    version: int = 0

    def requests(self, method: str, path: str = "") -> list[Seen]:
        """List requests of a method whose path contains ``path``."""
        return [one for one in self.seen if one.method == method and path in one.path]

    def merge(self, path: str, change: Json) -> None:
        """Change a resource as PATCH does."""
        _merge(self.resources[path], change)
        self.version += 1

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path = request.path
        raw = await request.read()
        body: Any = json.loads(raw) if raw else None
        self.seen.append(
            Seen(
                method=request.method,
                path=request.path_qs,
                headers=dict(request.headers),
                body=body,
            )
        )
        front = self.front.get((request.method, path))
        if front is not None and (answer := await front(request)) is not None:
            return answer
        if request.method == "POST" and path == f"{ROOT}/SessionService/Sessions":
            return self._log_in(body)
        if path != f"{ROOT}/" and not self._knows(request):
            return error(401, "NoValidSession")
        if request.method == "DELETE" and path.startswith(
            f"{ROOT}/SessionService/Sessions/"
        ):
            self.tokens.discard(f"token{path.rsplit('/', 1)[-1]}")
            return web.Response(status=204)
        if request.method == "POST" and path.endswith("ComputerSystem.Reset"):
            return self._reset(path, body)
        if path not in self.resources:
            return error(404, "ResourceMissingAtURI")
        if request.method == "GET":
            return self._show(request)
        if request.method == "PATCH":
            return self._patch(request, body)
        return error(405, "OperationNotAllowed")

    def _knows(self, request: web.Request) -> bool:
        if (token := request.headers.get("X-Auth-Token")) is not None:
            return token in self.tokens
        expected = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return self.basic and request.headers.get("Authorization") == expected

    def _log_in(self, body: Json) -> web.Response:
        if not self.sessions:
            return error(404, "ResourceMissingAtURI")
        if body != {"UserName": USER, "Password": PASSWORD}:
            return error(401, "ResourceAtUriUnauthorized")
        self.logins += 1
        session, token = str(self.logins), f"token{self.logins}"
        self.tokens.add(token)
        location = f"https://name-of-its-own{ROOT}/SessionService/Sessions/{session}"
        return web.json_response(
            {"Id": session},
            status=201,
            headers={"X-Auth-Token": token, "Location": location},
        )

    def _reset(self, path: str, body: Json) -> web.Response:
        system = self.resources[path.split("/Actions/", maxsplit=1)[0]]
        allowed = system["Actions"]["#ComputerSystem.Reset"].get(
            "ResetType@Redfish.AllowableValues", ["On", "ForceOff", "GracefulShutdown"]
        )
        if body.get("ResetType") not in allowed:
            return error(400, "ActionParameterValueNotInList")
        system["PowerState"] = "On" if body["ResetType"] == "On" else "Off"
        return web.Response(status=204)

    def _show(self, request: web.Request) -> web.Response:
        body = self.resources[request.path]
        if "$expand" in request.query:
            members = [self.resources[m["@odata.id"]] for m in body["Members"]]
            body = {**body, "Members": members}
        return web.json_response(body, headers={"ETag": f'"{self.version}"'})

    def _patch(self, request: web.Request, body: Json) -> web.Response:
        match = request.headers.get("If-Match")
        if match is None and self.needs_match:
            return error(428, "PreconditionRequired")
        if match not in (None, "*", f'"{self.version}"'):
            return error(412, "PreconditionFailed")
        self.merge(request.path, body)
        return web.Response(status=204)


def _merge(target: Any, change: Any) -> None:
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        elif isinstance(value, list) and isinstance(target.get(key), list):
            for old, new in zip(target[key], value, strict=False):
                _merge(old, new)
        else:
            target[key] = value


@asynccontextmanager
async def running_bmc(
    bmc: Bmc, tls: ssl.SSLContext | None = None, *, port: int = 0
) -> AsyncGenerator[Bmc]:
    """Serve it on a port of 127.0.0.1; 0 takes a free one."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", bmc.handle)
    runner = web.AppRunner(app, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls)
    await site.start()
    bmc.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield bmc
    finally:
        await runner.cleanup()


def collection(path: str, *members: str) -> Json:
    """Make a collection of links."""
    return {
        "@odata.id": path,
        "Name": "C",
        "Members": [{"@odata.id": m} for m in members],
    }


def system(name: str, power: str = "On", **more: Any) -> Json:
    """Make a computer system that can be switched."""
    path = f"{ROOT}/Systems/{name}"
    return {
        "@odata.id": path,
        "Id": name,
        "Name": f"Node {name}",
        "UUID": "6fb3a1de-0000-4000-8000-00000000000a",
        "PowerState": power,
        "Status": {"State": "Enabled", "Health": "OK"},
        "Actions": {
            "#ComputerSystem.Reset": {
                "target": f"{path}/Actions/ComputerSystem.Reset",
                "ResetType@Redfish.AllowableValues": [
                    "On",
                    "ForceOff",
                    "GracefulShutdown",
                ],
            }
        },
        **more,
    }


def service(systems: list[Json], chassis: Json, **root: Any) -> dict[str, Json]:
    """Make a service with one chassis ``1`` that holds all systems."""
    paths = [one["@odata.id"] for one in systems]
    path = f"{ROOT}/Chassis/1"
    found: dict[str, Json] = {
        f"{ROOT}/": {
            "@odata.type": "#ServiceRoot.v1_15_0.ServiceRoot",
            "@odata.id": f"{ROOT}/",
            "RedfishVersion": "1.15.0",
            "UUID": "92384634-2938-2342-8820-489239905423",
            "Vendor": "Contoso",
            "Systems": {"@odata.id": f"{ROOT}/Systems"},
            "Chassis": {"@odata.id": f"{ROOT}/Chassis"},
            "Links": {"Sessions": {"@odata.id": f"{ROOT}/SessionService/Sessions"}},
            **root,
        },
        f"{ROOT}/Systems": collection(f"{ROOT}/Systems", *paths),
        f"{ROOT}/Chassis": collection(f"{ROOT}/Chassis", path),
        path: {
            "@odata.id": path,
            "Id": "1",
            "Name": "Rack server",
            "Model": "X1",
            "SerialNumber": "SN1",
            "Status": {"State": "Enabled", "Health": "OK"},
            "Links": {"ComputerSystems": [{"@odata.id": p} for p in paths]},
            **chassis,
        },
    }
    found.update({one["@odata.id"]: one for one in systems})
    return found


def modern(*systems: Json, **root: Any) -> dict[str, Json]:
    """Make a server with its cap in EnvironmentMetrics, as OpenBMC has it."""
    metrics = f"{ROOT}/Chassis/1/EnvironmentMetrics"
    found = service(
        list(systems) or [system("1")],
        {"EnvironmentMetrics": {"@odata.id": metrics}},
        **root,
    )
    found[metrics] = {
        "@odata.id": metrics,
        "PowerWatts": {"Reading": 812.5},
        "EnergykWh": {"Reading": 12.5},
        "PowerLimitWatts": {
            "SetPoint": 990,
            "AllowableMin": 300,
            "AllowableMax": 1000,
            "ControlMode": "Disabled",
        },
    }
    return found


METRICS = f"{ROOT}/Chassis/1/EnvironmentMetrics"
RESET = f"{ROOT}/Systems/1/Actions/ComputerSystem.Reset"
