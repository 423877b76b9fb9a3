"""Right and wrong requests: errors, ETags, limits."""

import asyncio
import json

import pytest

from .client import AUTH, CONTROL, METRICS, SESSIONS, Client

MODULE = "/redfish/v1/Systems/Module1"
RESET = f"{MODULE}/Actions/ComputerSystem.Reset"


@pytest.mark.parametrize(
    ("body", "faults", "pointer"),
    [
        ({"SetPoint": 299}, ["PropertyValueOutOfRange"], "SetPoint"),
        ({"SetPoint": 3001}, ["PropertyValueOutOfRange"], "SetPoint"),
        ({"SetPoint": "500"}, ["PropertyValueTypeError"], "SetPoint"),
        ({"SetPoint": True}, ["PropertyValueTypeError"], "SetPoint"),
        ({"SetPoint": None}, ["PropertyValueTypeError"], "SetPoint"),
        ({"SetPoint": [500]}, ["PropertyValueTypeError"], "SetPoint"),
        ({"ControlMode": "Manual"}, ["PropertyValueNotInList"], "ControlMode"),
        ({"ControlMode": 1}, ["PropertyValueTypeError"], "ControlMode"),
        ({"AllowableMax": 9000}, ["PropertyNotWritable"], "AllowableMax"),
        ({"Setpoint": 500}, ["PropertyUnknown"], "Setpoint"),
        ({}, ["NoOperation"], None),
        ({"@odata.id": "x"}, ["NoOperation"], None),
    ],
)
async def test_wrong_caps_are_refused(
    client: Client, body: dict, faults: list[str], pointer: str | None
) -> None:
    answer = await client.patch(METRICS, {"PowerLimitWatts": body})
    assert answer.status == 400
    assert answer.faults == faults
    messages = answer.body["error"]["@Message.ExtendedInfo"]
    assert answer.body["error"]["code"] == messages[0]["MessageId"]
    assert messages[0]["MessageId"] == f"Base.1.22.{faults[0]}"
    if pointer:
        assert messages[0]["RelatedProperties"] == [f"#/PowerLimitWatts/{pointer}"]
        assert pointer in messages[0]["MessageArgs"]
    assert (client.rack.power_limit_w, client.rack.lease.held) == (300, True)


async def test_patch_is_all_or_nothing(client: Client) -> None:
    body = {"SetPoint": 1000, "ControlMode": "Sometimes", "Nonsense": 1}
    answer = await client.patch(CONTROL, body)
    assert answer.status == 400
    assert answer.faults == ["PropertyValueNotInList", "PropertyUnknown"]
    body = {"PowerLimitWatts": {"SetPoint": 1000}, "PowerWatts": {"Reading": 1}}
    answer = await client.patch(METRICS, body)
    assert answer.faults == ["PropertyNotWritable"]
    assert client.rack.power_limit_w == 300


async def test_the_edges_of_the_range_are_allowed(client: Client) -> None:
    for watts in (300, 3000.0):
        answer = await client.patch(METRICS, {"PowerLimitWatts": {"SetPoint": watts}})
        assert answer.status == 200
        assert answer.body["PowerLimitWatts"]["SetPoint"] == watts
        assert client.rack.power_limit_w == watts


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "ActionParameterMissing"),
        ({"ResetType": "Nmi"}, "ActionParameterValueNotInList"),
        ({"ResetType": 1}, "ActionParameterValueTypeError"),
        ({"ResetType": "On", "Delay": 5}, "ActionParameterUnknown"),
    ],
)
async def test_wrong_resets(client: Client, body: dict, fault: str) -> None:
    answer = await client.post(RESET, body)
    assert (answer.status, answer.faults) == (400, [fault])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"{", "MalformedJSON"),
        (b'{"PowerLimitWatts": {"SetPoint": NaN}}', "MalformedJSON"),
        (b'{"PowerLimitWatts": {"SetPoint": 1e999}}', "PropertyValueOutOfRange"),
        (b"\xff\xfe", "MalformedJSON"),
        (b"[" * 20_000, "MalformedJSON"),
        (b"[1]", "UnrecognizedRequestBody"),
        (b"500", "UnrecognizedRequestBody"),
        (b"", "EmptyJSON"),
        (b"{}", "EmptyJSON"),
        (b'{"PowerLimitWatts": 500}', "PropertyValueTypeError"),
    ],
)
async def test_wrong_bodies(client: Client, text: bytes, fault: str) -> None:
    answer = await client.request(
        "PATCH", METRICS, data=text, headers={"Content-Type": "application/json"}
    )
    assert (answer.status, answer.faults) == (400, [fault])
    assert client.rack.power_limit_w == 300


async def test_other_media_types_are_refused(client: Client) -> None:
    answer = await client.request(
        "PATCH", METRICS, data=b"a=1", headers={"Content-Type": "text/plain"}
    )
    assert answer.status == 415


async def test_large_bodies_are_refused(client: Client) -> None:
    body = {"PowerLimitWatts": {"SetPoint": 500}, "x": "y" * 100_000}
    answer = await client.patch(METRICS, body)
    assert (answer.status, answer.faults) == (413, ["PayloadTooLarge"])
    assert (await client.get(METRICS)).status == 200


async def test_unknown_uris(client: Client) -> None:
    for path in (
        "/redfish/v1/Nothing",
        "/redfish/v1/Systems/Module9",
        "/redfish/v1/SessionService/Sessions/nobody",
        "/redfish/v2/",
        "/",
    ):
        answer = await client.get(path)
        assert (answer.status, answer.faults) == (404, ["InvalidURI"]), path


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", METRICS, "GET, HEAD, PATCH"),
        ("DELETE", "/redfish/v1/", "GET, HEAD"),
        ("PATCH", MODULE, "GET, HEAD"),
        ("GET", RESET, "POST"),
        ("PUT", CONTROL, "GET, HEAD, PATCH"),
        ("PATCH", SESSIONS, "GET, HEAD, POST"),
    ],
)
async def test_methods(client: Client, method: str, path: str, allow: str) -> None:
    answer = await client.request(method, path, json={})
    assert (answer.status, answer.faults) == (405, ["OperationNotAllowed"])
    assert answer.headers["Allow"] == allow


async def test_head_has_headers_only(client: Client) -> None:
    answer = await client.request("HEAD", METRICS)
    assert answer.status == 200
    assert int(answer.headers["Content-Length"]) > 500
    assert answer.headers["ETag"] == (await client.get(METRICS)).headers["ETag"]


async def test_headers_and_queries(client: Client) -> None:
    old = await client.get(METRICS, headers={"OData-Version": "3.0"})
    assert old.status == 412
    xml = await client.get(METRICS, headers={"Accept": "application/xml"})
    assert xml.status == 406
    expand = await client.get(f"{METRICS}?$expand=.")
    assert (expand.status, expand.faults) == (501, ["QueryParameterUnsupported"])
    assert (await client.get(f"{METRICS}?other=1")).status == 200


async def test_etag_survives_new_readings(client: Client) -> None:
    """A set point can be written with the tag of an older reading."""
    tag = (await client.get(METRICS)).headers["ETag"]
    client.rack.step(60, 35, 8)
    body = {"PowerLimitWatts": {"SetPoint": 700}}
    answer = await client.patch(METRICS, body, headers={"If-Match": tag})
    assert answer.status == 200
    assert answer.headers["ETag"] != tag
    assert answer.headers["ETag"] == (await client.get(METRICS)).headers["ETag"]


async def test_stale_etag(client: Client) -> None:
    tag = (await client.get(METRICS)).headers["ETag"]
    assert (await client.patch(CONTROL, {"SetPoint": 800})).status == 200
    body = {"PowerLimitWatts": {"SetPoint": 900}}
    for wrong in (tag, '"other"', f"{tag}x"):
        answer = await client.patch(METRICS, body, headers={"If-Match": wrong})
        assert (answer.status, answer.faults) == (412, ["PreconditionFailed"])
    assert client.rack.power_limit_w == 800
    now = (await client.get(METRICS)).headers["ETag"]
    for right in (f'"a", {now}', "*"):
        answer = await client.patch(METRICS, body, headers={"If-Match": right})
        assert answer.status == 200
        now = answer.headers["ETag"]


async def test_of_two_writers_with_the_same_tag_one_wins(client: Client) -> None:
    tag = (await client.get(METRICS)).headers["ETag"]
    answers = await asyncio.gather(
        *(
            client.patch(
                METRICS,
                {"PowerLimitWatts": {"SetPoint": 1000 + 100 * number}},
                headers={"If-Match": tag},
            )
            for number in range(10)
        )
    )
    assert sorted(answer.status for answer in answers) == [200] + 9 * [412]


async def test_not_modified_only_without_readings(client: Client) -> None:
    for path, status in ((MODULE, 304), (METRICS, 200)):
        tag = (await client.get(path)).headers["ETag"]
        again = await client.get(path, headers={"If-None-Match": tag})
        assert again.status == status
    client.rack.step(1, 35, 8)
    await client.reset(1, "ForceOff")
    tag = (await client.get("/redfish/v1/Systems/Module2")).headers["ETag"]
    assert (await client.get(MODULE, headers={"If-None-Match": tag})).status == 200


async def test_a_hundred_clients_at_once(client: Client) -> None:
    async def one(number: int) -> int:
        if number % 3 == 0:
            body = {"PowerLimitWatts": {"SetPoint": 300 + number}}
            return (await client.patch(METRICS, body)).status
        return (await client.get(METRICS)).status

    assert set(await asyncio.gather(*map(one, range(100)))) == {200}


async def test_a_body_that_never_comes_is_given_up(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compute_heater_agent.web._BODY_TIMEOUT_S", 0.2)
    port = int(client.agent.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"PATCH {METRICS} HTTP/1.1\r\nHost: x\r\nAuthorization: {AUTH}\r\n"
        "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{".encode()
    )
    async with asyncio.timeout(10):
        # Others are served meanwhile.
        assert (await client.get(METRICS)).status == 200
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 408 " in head.partition(b"\r\n")[0]
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        body = json.loads(await reader.readexactly(length))
        # Then the agent closes the connection.
        assert await reader.read() == b""
    assert body["error"]["code"] == "Base.1.22.OperationTimeout"
    writer.transport.abort()


async def test_garbage_does_not_hurt(client: Client) -> None:
    port = int(client.agent.url.rpartition(":")[2])
    for garbage in (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\x00" * 1000):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(garbage)
        writer.write_eof()
        async with asyncio.timeout(10):
            await reader.read()
        writer.transport.abort()
    assert (await client.get(METRICS)).status == 200


async def test_an_unexpected_failure_is_an_internal_error(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**values: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(client.rack, "set_cap", fail)
    answer = await client.patch(CONTROL, {"SetPoint": 500})
    assert (answer.status, answer.faults) == (500, ["InternalError"])
    assert "broken" not in json.dumps(answer.body)
    assert (await client.get(CONTROL)).status == 200
