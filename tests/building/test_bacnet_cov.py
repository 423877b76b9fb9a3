"""Changes that BACnet controllers report by themselves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from bacpypes3.apdu import ConfirmedCOVNotificationRequest
from bacpypes3.pdu import Address
import pytest

from custom_components.compute_heater.building import bacnet_cov
from custom_components.compute_heater.building.bacnet import BacnetDevice
from custom_components.compute_heater.building.bacnet_cov import CovSubscription
from custom_components.compute_heater.building.bacnet_point import BacnetPoint
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.building.points import LinkConnectionError, Value

from .bacnet_peer import BacnetPeer, many_inputs, usual_objects
from .raw_bacnet import RawPeer

LIFETIME_S = 2


def point(kind: str, instance: int) -> BacnetPoint:
    return BacnetPoint.from_dict({"object_type": kind, "instance": instance})


DEMAND = point("analog-value", 1)
TANK = point("analog-input", 1)
ENABLE = point("binary-value", 1)
LEVEL = point("multi-state-value", 1)


class Listener:
    """Keeps what was reported and lets a test wait for it."""

    def __init__(self) -> None:
        self.values: dict[str, Value | None] = {}
        self.calls: list[dict[str, Value | None]] = []
        self._changed = asyncio.Event()

    def __call__(self, values: Mapping[str, Value | None]) -> None:
        self.calls.append(dict(values))
        self.values.update(values)
        self._changed.set()

    async def until(self, condition: Callable[[], bool], timeout: float = 10) -> None:
        async with asyncio.timeout(timeout):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_value(self, key: str, value: Value | None) -> None:
        await self.until(lambda: key in self.values and self.values[key] == value)


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bacnet_cov, "LIFETIME_S", LIFETIME_S)
    monkeypatch.setattr(bacnet_cov, "BACK_OFF_S", (0.1, 0.2))
    monkeypatch.setattr(bacnet_cov, "QUIET_S", 0.0)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def subscription(
    device: BacnetDevice, listener: Listener
) -> AsyncIterator[CovSubscription]:
    running = device.subscribe([DEMAND, TANK, ENABLE, LEVEL], listener)
    yield running
    await running.close()


async def subscribed(listener: Listener) -> None:
    await listener.until(lambda: len(listener.values) == 4)


def command(peer: BacnetPeer, value: float) -> None:
    peer.object("analog-value", 1).presentValue = value


async def test_change_reaches_the_callback_without_being_asked(
    device: BacnetDevice,
    bacnet_peer: BacnetPeer,
    subscription: CovSubscription,
    listener: Listener,
) -> None:
    await subscribed(listener)
    assert subscription.active == {DEMAND.key, TANK.key, ENABLE.key, LEVEL.key}
    assert listener.values == {
        DEMAND.key: 1500,
        TANK.key: 48.3,
        ENABLE.key: True,
        LEVEL.key: 1,
    }
    await asyncio.sleep(0.1)
    reads = device.reads
    command(bacnet_peer, 2400)
    bacnet_peer.object("binary-value", 1).presentValue = "inactive"
    bacnet_peer.object("multi-state-value", 1).presentValue = 4
    await listener.until_value(DEMAND.key, 2400)
    await listener.until_value(ENABLE.key, False)
    await listener.until_value(LEVEL.key, 4)
    assert device.reads == reads


async def test_fault_is_reported_as_unknown(
    bacnet_peer: BacnetPeer, subscription: CovSubscription, listener: Listener
) -> None:
    await subscribed(listener)
    sensor = bacnet_peer.object("analog-input", 1)
    sensor._flags = [0, 1, 0, 0]
    sensor.presentValue = 60.0
    await listener.until_value(TANK.key, None)


async def test_lives_longer_than_its_lifetime(
    bacnet_peer: BacnetPeer, subscription: CovSubscription, listener: Listener
) -> None:
    await subscribed(listener)
    await asyncio.sleep(LIFETIME_S * 1.6)
    assert len(bacnet_peer.app._cov_detections) == 4, "the device has forgotten us"
    command(bacnet_peer, 777)
    await listener.until_value(DEMAND.key, 777)


async def test_survives_an_outage_longer_than_the_lifetime(
    bacnet_peer: BacnetPeer, subscription: CovSubscription, listener: Listener
) -> None:
    """The library's own subscription is dead for ever after this."""
    await subscribed(listener)
    await bacnet_peer.stop()
    await asyncio.sleep(LIFETIME_S * 1.3)
    assert subscription.active == frozenset()
    await bacnet_peer.start()
    command(bacnet_peer, 600)
    # Read once after subscribing anew: the change while we were away is known.
    await listener.until_value(DEMAND.key, 600)
    command(bacnet_peer, 900)
    await listener.until_value(DEMAND.key, 900)
    assert len(subscription.active) == 4


async def test_device_that_forgot_us_and_says_that_it_started(
    bacnet_peer: BacnetPeer,
    stack: BacnetStack,
    subscription: CovSubscription,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An I-Am brings the renewal at once, not at half the lifetime."""
    monkeypatch.setattr(bacnet_cov, "LIFETIME_S", 600)
    await subscribed(listener)
    await asyncio.sleep(LIFETIME_S)  # The first renewal takes the long lifetime.
    await bacnet_peer.stop()
    await bacnet_peer.start()
    bacnet_peer.app.i_am(address=Address(stack.endpoint))
    await listener.until_value(DEMAND.key, 1500)
    listener.calls.clear()
    await listener.until(lambda: bool(listener.calls))
    command(bacnet_peer, 42)
    await listener.until_value(DEMAND.key, 42)


async def test_polling_that_finds_the_device_back_renews(
    device: BacnetDevice,
    bacnet_peer: BacnetPeer,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bacnet_cov, "LIFETIME_S", 600)
    subscription = device.subscribe([DEMAND], listener)
    await listener.until_value(DEMAND.key, 1500)
    await asyncio.sleep(0.1)
    await bacnet_peer.stop()
    with pytest.raises(LinkConnectionError):
        await device.read([DEMAND])
    await bacnet_peer.start()
    await device.read([DEMAND])
    listener.calls.clear()
    await listener.until(lambda: bool(listener.calls))
    command(bacnet_peer, 42)
    await listener.until_value(DEMAND.key, 42)
    await subscription.close()


async def test_device_that_is_not_there_yet(
    stack: BacnetStack, listener: Listener
) -> None:
    peer = BacnetPeer()
    device = BacnetDevice(stack, peer.address, 3001)
    subscription = device.subscribe([DEMAND], listener)
    await asyncio.sleep(0.5)
    assert listener.calls == []
    await peer.start()
    await listener.until_value(DEMAND.key, 1500)
    await subscription.close()
    await peer.stop()


async def test_point_that_cannot_be_subscribed_is_left_to_polling(
    device: BacnetDevice, bacnet_peer: BacnetPeer, listener: Listener
) -> None:
    gone = point("analog-value", 4711)
    subscription = device.subscribe([gone, DEMAND], listener)
    await listener.until_value(DEMAND.key, 1500)
    assert subscription.active == {DEMAND.key}
    await subscription.close()
    subscription = device.subscribe([gone], listener)
    await asyncio.sleep(0.1)
    assert subscription.active == frozenset()
    await subscription.close()
    assert gone.key not in listener.values


async def test_closing_cancels_at_the_device(
    device: BacnetDevice, bacnet_peer: BacnetPeer, listener: Listener
) -> None:
    subscription = device.subscribe([DEMAND, TANK], listener)
    await listener.until(lambda: len(listener.values) == 2)
    assert len(bacnet_peer.app._cov_detections) == 2
    await subscription.close()
    assert bacnet_peer.app._cov_detections == {}
    listener.calls.clear()
    command(bacnet_peer, 42)
    await asyncio.sleep(0.05)
    assert listener.calls == []


async def test_closing_while_the_device_is_dead_takes_no_longer_than_it_may(
    device: BacnetDevice,
    bacnet_peer: BacnetPeer,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bacnet_cov, "CANCEL_TIMEOUT_S", 0.2)
    subscription = device.subscribe([DEMAND], listener)
    await listener.until_value(DEMAND.key, 1500)
    await bacnet_peer.stop()
    async with asyncio.timeout(2):
        await subscription.close()


async def test_two_subscriptions_do_not_disturb_each_other(
    device: BacnetDevice, bacnet_peer: BacnetPeer, listener: Listener
) -> None:
    other = Listener()
    one, two = device.subscribe([DEMAND], listener), device.subscribe([DEMAND], other)
    await listener.until_value(DEMAND.key, 1500)
    await other.until_value(DEMAND.key, 1500)
    await one.close()
    command(bacnet_peer, 42)
    await other.until_value(DEMAND.key, 42)
    assert listener.values[DEMAND.key] == 1500
    await two.close()


async def test_forged_notification_of_another_address_is_not_taken(
    stack: BacnetStack,
    device: BacnetDevice,
    bacnet_peer: BacnetPeer,
    subscription: CovSubscription,
    listener: Listener,
) -> None:
    await subscribed(listener)
    liar = BacnetPeer(66)
    await liar.start()
    other = Listener()
    elsewhere = BacnetDevice(stack, liar.address).subscribe([DEMAND], other)
    await other.until_value(DEMAND.key, 1500)
    # The same process number as the true one.
    stack.app.cov_handlers[elsewhere._process] = stack.app.cov_handlers[
        subscription._process
    ]
    command(liar, 1)
    await asyncio.sleep(0.1)
    assert listener.values[DEMAND.key] == 1500
    await elsewhere.close()
    await liar.stop()


async def test_callback_that_fails_ends_nothing(
    device: BacnetDevice,
    bacnet_peer: BacnetPeer,
    listener: Listener,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(values: Mapping[str, Value | None]) -> None:
        listener(values)
        raise RuntimeError("not ready")

    subscription = device.subscribe([DEMAND], fails)
    await listener.until_value(DEMAND.key, 1500)
    command(bacnet_peer, 42)
    await listener.until_value(DEMAND.key, 42)
    assert "Taking over changed values failed" in caplog.text
    await subscription.close()


async def test_confirmed_notifications_are_confirmed(
    bacnet_peer: BacnetPeer, subscription: CovSubscription, listener: Listener
) -> None:
    """Some controllers confirm whatever was asked for."""
    await subscribed(listener)
    for detection in bacnet_peer.app._cov_detections.values():
        for one in detection.cov_subscriptions:
            one.confirmed = True
    failures: list[BaseException | None] = []
    bacnet_peer.app.cov_confirmation = lambda _cov, future: failures.append(
        future.exception()
    )
    command(bacnet_peer, 42)
    await listener.until_value(DEMAND.key, 42)
    async with asyncio.timeout(2):
        while not failures:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert set(failures) == {None}
    await subscription.close()


async def test_notification_that_nobody_asked_for(
    stack: BacnetStack, bacnet_peer: BacnetPeer
) -> None:
    """A confirmed one is answered with an error, so that the controller stops."""
    notification = ConfirmedCOVNotificationRequest(
        subscriberProcessIdentifier=77,
        initiatingDeviceIdentifier=("device", 3001),
        monitoredObjectIdentifier=("analog-value", 1),
        timeRemaining=10,
        listOfValues=[],
        destination=Address(stack.endpoint),
    )
    future = bacnet_peer.app.request(notification)
    await asyncio.wait({future})
    assert "unknown-subscription" in str(future.exception())


@pytest.mark.parametrize("value", [b"\x43\1\2\3", b"", b"\x75\2\0x", b"\0"], ids=repr)
async def test_notification_that_makes_no_sense(
    stack: BacnetStack,
    device: BacnetDevice,
    bacnet_peer: BacnetPeer,
    listener: Listener,
    value: bytes,
) -> None:
    """Half a number is nothing, a text or Null is an unknown value."""
    noise = RawPeer(lambda *_: None)
    device = BacnetDevice(stack, await noise.start())
    subscription = device.subscribe([DEMAND], listener)
    process, host_port = subscription._process, stack.endpoint.split(":")
    noise.send(
        bytes([0x10, 2, 0x09, process])
        + b"\x1c\x02\0\0\1\x2c\0\x80\0\1\x39\x0a\x4e\x09\x55\x2e"
        + value
        + b"\x2f\x4f",
        (host_port[0], int(host_port[1])),
    )
    await asyncio.sleep(0.1)
    understood = value[:1] in (b"\x75", b"\0")
    assert listener.calls == ([{DEMAND.key: None}] if understood else [])
    await subscription.close()
    noise.stop()


async def test_report_during_a_reading_is_newer_than_what_is_read(
    stack: BacnetStack, listener: Listener
) -> None:
    """A poll under way must not bring the old heat demand back."""
    peer = BacnetPeer()
    await peer.start(usual_objects() + many_inputs(200))
    device = BacnetDevice(stack, peer.address)
    points = [DEMAND, *(point("analog-input", 1000 + n) for n in range(200))]
    subscription = device.subscribe([DEMAND], listener)
    await listener.until_value(DEMAND.key, 1500)
    await asyncio.sleep(0.1)
    first_read = asyncio.Event()
    original = peer.app.do_ReadPropertyMultipleRequest

    async def slow(apdu: Any) -> None:
        if first_read.is_set():
            await asyncio.sleep(0.1)
        await original(apdu)
        if any(
            tuple(map(int, spec.objectIdentifier)) == DEMAND.object_id
            for spec in apdu.listOfReadAccessSpecs
        ):
            command(peer, 42)
            first_read.set()

    peer.app.do_ReadPropertyMultipleRequest = slow
    values = await device.read(points)
    assert first_read.is_set()
    assert values[DEMAND.key] == listener.values[DEMAND.key] == 42
    peer.app.do_ReadPropertyMultipleRequest = original
    command(peer, 43)
    assert (await device.read(points))[DEMAND.key] == 43
    await subscription.close()
    await peer.stop()
