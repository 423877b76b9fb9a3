"""Server-sent events."""

import asyncio
from contextlib import AsyncExitStack
import json
from typing import Any

from aiohttp import ClientResponse, ClientSession
import pytest

from compute_heater_agent.events import STREAM_LIMIT
from compute_heater_agent.settings import RackSettings
from compute_heater_agent.simulated import Rack

from .client import AUTH, CONTROL, METRICS, STREAM, Client, open_heater

_HEADERS = {"Authorization": AUTH}
SUBSCRIPTIONS = "/redfish/v1/EventService/Subscriptions"


async def next_event(stream: ClientResponse) -> tuple[int, dict[str, Any]]:
    """Read one event; return its number and its only record."""
    async with asyncio.timeout(10):
        while (line := await stream.content.readline()) == b":\n":
            assert await stream.content.readline() == b"\n"
        assert line.startswith(b"id: ")
        data = await stream.content.readline()
        assert data.startswith(b"data: ")
        assert await stream.content.readline() == b"\n"
    event = json.loads(data[6:])
    assert event["@odata.type"] == "#Event.v1_13_0.Event"
    assert event["Id"] == line[4:].strip().decode()
    [record] = event["Events"]
    assert "EventTimestamp" in record
    return int(line[4:]), record


async def test_a_change_of_the_cap_is_told(client: Client) -> None:
    async with client.stream() as stream:
        assert stream.content_type == "text/event-stream"
        await client.patch(CONTROL, {"SetPoint": 1111})
        # The first request of a client takes the lease.
        first, lease = await next_event(stream)
        second, change = await next_event(stream)
    assert lease["MessageId"] == "ComputeHeater.1.0.LeaseRenewed"
    assert change["MessageId"] == "ResourceEvent.1.4.ResourceChanged"
    assert change["OriginOfCondition"] == {"@odata.id": METRICS}
    assert second == first + 1


async def test_power_states_are_told() -> None:
    rack = Rack(RackSettings(boot_s=1, drain_s=1))
    async with open_heater(stepped=rack) as client:
        await client.get(METRICS)
        async with client.stream() as stream:
            await client.reset(2, "GracefulRestart")
            rack.step(3, 35, 8)
            told = [(await next_event(stream))[1] for _ in range(3)]
    assert [record["MessageId"].rpartition(".")[2] for record in told] == [
        "ResourcePoweringOff",
        "ResourcePoweringOn",
        "ResourcePoweredOn",
    ]
    for record in told:
        assert record["OriginOfCondition"] == {
            "@odata.id": "/redfish/v1/Systems/Module2"
        }
        assert record["MessageArgs"] == ["Module 2"]


async def test_protection_is_told() -> None:
    rack = Rack(RackSettings(lease_s=30, drain_s=0, oil_c=61.9))
    async with open_heater(stepped=rack) as client:
        await client.get(METRICS)
        async with client.stream() as stream:
            rack.bath.oil_c = 65.3
            rack.step(0.5, 60, 0)
            rack.step(31, 30, 30)
            rack.bath.oil_c = 50.0
            rack.step(1, 30, 30)
            told: dict[str, Any] = {}
            while "TemperatureNormal" not in told:
                record = (await next_event(stream))[1]
                told[record["MessageId"].rpartition(".")[2]] = record
    assert list(told) == [
        "TemperatureAboveUpperCautionThreshold",
        "TemperatureAboveUpperCriticalThreshold",
        "ResourcePoweredOff",
        "LeaseExpired",
        "TemperatureNoLongerCritical",
        "TemperatureNormal",
    ]
    trip = told["TemperatureAboveUpperCriticalThreshold"]
    assert trip["MessageSeverity"] == "Critical"
    assert trip["MessageArgs"] == ["Coolant", "65.3", "65"]
    assert told["LeaseExpired"]["MessageArgs"] == ["30", "300"]


async def test_every_stream_gets_every_event(client: Client) -> None:
    await client.get(METRICS)
    async with client.stream() as one, client.stream() as two:
        for watts in (500, 600):
            await client.patch(CONTROL, {"SetPoint": watts})
        for stream in (one, two):
            numbers = [(await next_event(stream))[0] for _ in range(2)]
            assert numbers[1] == numbers[0] + 1


async def test_a_stream_is_a_subscription(client: Client) -> None:
    async with client.stream() as stream:
        [member] = (await client.get(SUBSCRIPTIONS)).body["Members"]
        shown = (await client.get(member["@odata.id"])).body
        assert shown["SubscriptionType"] == "SSE"
        assert shown["Context"]
        assert (await client.request("DELETE", member["@odata.id"])).status == 204
        async with asyncio.timeout(10):
            while not stream.content.at_eof():
                await stream.content.readline()
    assert (await client.get(SUBSCRIPTIONS)).body["Members"] == []


async def test_a_client_that_leaves_is_forgotten(client: Client) -> None:
    async with client.stream():
        pass
    # The agent notices when it next writes.
    async with asyncio.timeout(10):
        while (await client.get(SUBSCRIPTIONS)).body["Members"]:
            await client.patch(CONTROL, {"SetPoint": 500})
            await client.patch(CONTROL, {"SetPoint": 600})


async def test_too_many_streams(client: Client) -> None:
    async with asyncio.TaskGroup() as group:
        leave = asyncio.Event()
        opened = asyncio.Semaphore(0)

        async def listen() -> None:
            async with client.stream():
                opened.release()
                await leave.wait()

        for _ in range(STREAM_LIMIT):
            group.create_task(listen())
        for _ in range(STREAM_LIMIT):
            await opened.acquire()
        answer = await client.get(STREAM)
        assert (answer.status, answer.faults) == (
            503,
            ["EventSubscriptionLimitExceeded"],
        )
        leave.set()


async def test_a_client_that_does_not_read_loses_its_stream(client: Client) -> None:
    await client.get(METRICS)
    async with client.stream():
        for number in range(200):
            client.rack.set_cap(set_point_w=300 + number + 1)
        # All at once are more than the queue holds.
        assert (await client.get(SUBSCRIPTIONS)).body["Members"] == []


async def test_stopping_ends_open_streams() -> None:
    async with AsyncExitStack() as stack, asyncio.timeout(10):
        http = await stack.enter_async_context(ClientSession())
        async with open_heater() as client:
            request = http.get(client.agent.url + STREAM, headers=_HEADERS)
            stream = await stack.enter_async_context(request)
            assert stream.status == 200
        while not stream.content.at_eof():
            await stream.content.readline()


@pytest.mark.parametrize("accept", ["text/event-stream", "*/*"])
async def test_accepted_types(client: Client, accept: str) -> None:
    headers = _HEADERS | {"Accept": accept}
    async with client.http.get(client.agent.url + STREAM, headers=headers) as stream:
        assert stream.status == 200
