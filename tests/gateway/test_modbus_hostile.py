"""What nobody should send: it commands nothing, costs little, and others are still served."""

import asyncio
from collections.abc import AsyncIterator
import gc
import logging
import math
import os
from pathlib import Path
from random import Random
import socket
import ssl
import struct
import time
import tracemalloc

import pytest

from custom_components.compute_heater.gateway import modbus, modbus_connections
from custom_components.compute_heater.gateway.modbus import ModbusServer
from custom_components.compute_heater.gateway.modbus_tls import TlsSettings
from tests.building.certificates import Authority

from .modbus_raw import LIMIT_S, MBAP, RawClient, client
from .modbus_site import HOST, Site

ATTACKERS = [f"127.0.0.{n}" for n in range(10, 26)]
"""The guard admits them: strangers get no further than to the door."""
MASTER, STRANGER = "127.0.0.2", "127.0.0.66"
GROWTH = 50_000
"""Bytes that caches may still take; a thousand requests that are kept take more."""
WRITES = (6, 16, 23)
NEITHER_ON_NOR_OFF = [n for n in range(2, 2**16) if n != 0x8000]
WELL_BEGUN = {1, 2, 10, 100, 101, 102, 104, 110, 111}
ILL_BEGUN = [n for n in range(2**16) if n not in WELL_BEGUN]
"""Where no register begins that may be written."""
amount = pytest.mark.parametrize(
    "amount",
    [
        2_000,
        pytest.param(
            10_000,
            marks=[
                pytest.mark.long,
                pytest.mark.timeout(600),
                pytest.mark.skipif(
                    not os.environ.get("COMPUTE_HEATER_LONG"),
                    reason="only with scripts/test --long",
                ),
            ],
        ),
    ],
)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def server(site: Site) -> AsyncIterator[ModbusServer]:
    async with site.served(time.monotonic) as running:
        yield running


@pytest.fixture(autouse=True)
async def quiet_log(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Nobody may fill the log of Home Assistant, at the level that it usually has."""
    # A record of the debug level would also keep the connection that it tells of.
    caplog.set_level(logging.WARNING)
    # In debug mode asyncio notes where each object was made.
    asyncio.get_running_loop().set_debug(False)
    yield
    assert [each.getMessage() for each in caplog.get_records("call")] == []


async def serves(server: ModbusServer) -> bool:
    async with client(server.port, MASTER) as master:
        return await master.read(4, 0, 2) == [0x4348, 1]


def single(address: int, value: int) -> bytes:
    return struct.pack(">BHH", 6, address, value)


def several(address: int, *words: int, cut: int | None = None) -> bytes:
    head = struct.pack(">BHHB", 16, address, len(words), 2 * len(words))
    return (head + struct.pack(f">{len(words)}H", *words))[:cut]


def floating(value: float) -> tuple[int, int]:
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return high, low


def rogue(random: Random) -> bytes:
    """Make a request that must not command anything."""
    kind = random.randrange(10)
    out_of_range = random.choice(
        [math.inf, -math.inf, -0.001, 100.001, 3e38, -3e38, 1e9]
    )
    fine = (0, 3, *floating(50), *floating(60))
    if kind == 0:
        function = random.choice([n for n in range(256) if n not in WRITES])
        return bytes([function]) + random.randbytes(random.randrange(253))
    if kind == 1:
        return single(
            random.choice([2, 3, 102, 103, 104, 105]), random.randrange(2**16)
        )
    if kind == 2:
        return single(100, random.choice(NEITHER_ON_NOR_OFF))
    if kind == 3:
        return single(101, random.choice([0, 5, 0x7FFF, 0x8001, 0xFFFF]))
    if kind == 4:
        return single(111, random.choice([0, 199, 654, 0x7FFF, 0x8001, 0xFFFF]))
    if kind == 5:
        return several(100, *fine, cut=-random.randrange(1, 18))
    if kind == 6:
        return several(100, *fine) + random.randbytes(random.randrange(1, 200))
    if kind == 7:
        return several(100, 0, 3, *floating(out_of_range), *floating(60))
    if kind == 8:
        address = random.choice(ILL_BEGUN)
        return several(address, *(0 for _ in range(random.randrange(1, 124))))
    words = struct.pack(">6H", *fine)
    head = struct.pack(">BHHHHB", 23, random.choice([0, 99, 112, 65535]), 2, 100, 6, 12)
    return head + words


async def attack(server: ModbusServer, peer: str, requests: list[bytes]) -> None:
    attacker = await RawClient.open(server.port, peer)
    for request in requests:
        response = await attacker.ask(request)
        if response[0] & 0x80:
            assert response[0] == request[0] | 0x80
            assert response[1] in {1, 2, 3, 6}
        else:
            assert response[0] == request[0]
            assert request[0] in {3, 4}
    attacker.close()


@amount
async def test_requests_that_must_not_command(
    site: Site, server: ModbusServer, amount: int
) -> None:
    random = Random(amount)

    async def round_of(number: int) -> int:
        share = number // len(ATTACKERS)
        await asyncio.gather(
            *(
                attack(server, peer, [rogue(random) for _ in range(share)])
                for peer in ATTACKERS
            )
        )
        assert site.commanded == {}
        assert None not in {event.refusal for event in site.writes}
        site.writes.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = await round_of(amount // 2)
        after = await round_of(amount // 2)
    finally:
        tracemalloc.stop()
    assert after - before < GROWTH
    assert (site.commanded, site.commands) == ({}, 0)
    assert site.gateway.value("site/heartbeat") == 0
    assert await serves(server)


def broken_frame(random: Random) -> bytes:
    """Make bytes that end the connection, before a write that would be fine."""
    kind = random.randrange(4)
    if kind == 0:
        broken = bytes([1]) + random.randbytes(random.randrange(6, 600))
        # A protocol that is none.
        broken = broken[:2] + b"\x01" + broken[3:]
    elif kind == 1:
        broken = MBAP.pack(1, random.randrange(1, 2**16), 6, 1)
    elif kind == 2:
        broken = MBAP.pack(1, 0, random.choice([0, 1, 255, 0xFFFF]), 1)
    else:
        return MBAP.pack(1, 0, 254, 1)[: random.randrange(1, 8)]
    write = single(100, 0)
    return broken + MBAP.pack(2, 0, len(write) + 1, 1) + write


@amount
async def test_frames_that_are_none(
    site: Site, server: ModbusServer, amount: int
) -> None:
    random = Random(amount)

    async def send(peer: str, number: int) -> None:
        for _ in range(number):
            attacker = await RawClient.open(server.port, peer)
            attacker.writer.write(broken_frame(random))
            attacker.finish()
            assert await attacker.ended() == b""
            attacker.close()

    share = amount // len(ATTACKERS)
    await asyncio.gather(*(send(peer, share) for peer in ATTACKERS))
    assert (site.commanded, site.writes) == ({}, [])
    assert await serves(server)


@amount
async def test_strangers(site: Site, server: ModbusServer, amount: int) -> None:
    write = single(100, 0)
    for _ in range(amount // 10):
        stranger = await RawClient.open(server.port, STRANGER)
        stranger.send(write)
        assert await stranger.ended() == b""
        stranger.close()
    assert server.strangers == amount // 10
    assert (site.commanded, site.writes) == ({}, [])
    assert await serves(server)


async def test_connections_that_say_nothing(server: ModbusServer) -> None:
    silent = [await RawClient.open(server.port, ATTACKERS[0]) for _ in range(100)]
    assert await serves(server)
    assert len(server.peers) <= modbus_connections.MOST
    # The peer itself, come back after its connections died, is served as well.
    async with client(server.port, ATTACKERS[0]) as again:
        await again.read(4, 0, 1)
    for each in silent:
        each.close()


async def test_idle_connection_is_closed(
    server: ModbusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modbus, "IDLE_S", 0.05)
    async with client(server.port) as idle:
        assert await idle.ended() == b""


@pytest.mark.parametrize("begin", [1, 6, 7, 8, 11])
async def test_request_that_never_ends(
    site: Site, server: ModbusServer, monkeypatch: pytest.MonkeyPatch, begin: int
) -> None:
    monkeypatch.setattr(modbus, "FRAME_S", 0.05)
    write = single(100, 0)
    frame = MBAP.pack(1, 0, len(write) + 1, 1) + write
    async with client(server.port) as slow:
        slow.writer.write(frame[:begin])
        assert await slow.ended() == b""
    assert site.writes == []
    assert await serves(server)


async def test_flood(site: Site, server: ModbusServer) -> None:
    """Who asks too much waits, and others do not."""
    floods = [await RawClient.open(server.port, ATTACKERS[0]) for _ in range(4)]
    read = struct.pack(">BHH", 4, 100, 32)
    for each in floods:
        for _ in range(5000):
            each.send(read)
    async with client(server.port, MASTER) as master:
        for _ in range(100):
            await master.read(4, 100, 32)
        assert await master.write(100, 0) == 0
    for each in floods:
        each.close()
    assert site.commanded == {"heater/enable": False}


def test_who_knocked_for_hours_is_let_in_again_soon() -> None:
    budget = modbus_connections.Budget()
    for second in range(3600):
        for _ in range(100):
            budget.spend(MASTER, second, 20)
    assert budget.spend(MASTER, 3600 + 5, 20) == 0


async def test_answers_that_nobody_reads(
    server: ModbusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modbus, "FRAME_S", 0.2)
    monkeypatch.setattr(modbus_connections, "BURST", math.inf)
    assert server._server is not None
    (listening,) = server._server.sockets
    small = socket.socket()
    for each, option in ((small, socket.SO_RCVBUF), (listening, socket.SO_SNDBUF)):
        each.setsockopt(socket.SOL_SOCKET, option, 4096)
    small.setblocking(False)
    await asyncio.get_running_loop().sock_connect(small, (HOST, server.port))
    # With so small a limit it soon stops to read by itself.
    _, writer = await asyncio.open_connection(sock=small, limit=1)
    requests = (MBAP.pack(1, 0, 6, 1) + struct.pack(">BHH", 4, 100, 32)) * 1000

    async def ask_for_ever() -> None:
        async with asyncio.timeout(LIMIT_S):
            while True:
                writer.write(requests)
                await writer.drain()

    with pytest.raises(ConnectionError):
        await ask_for_ever()
    writer.transport.abort()
    assert await serves(server)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def settings(authority: Authority) -> TlsSettings:
    certificate, key = authority.issue("server", HOST)
    return TlsSettings(
        certificate=certificate, key=key, client_authority=authority.file
    )


@pytest.fixture
async def secure(site: Site, settings: TlsSettings) -> AsyncIterator[ModbusServer]:
    async with site.served(time.monotonic, tls=settings) as running:
        yield running


async def serves_tls(server: ModbusServer, authority: Authority) -> bool:
    context = ssl.create_default_context(cafile=str(authority.file))
    context.load_cert_chain(*authority.issue("master"))
    async with asyncio.timeout(LIMIT_S):
        streams = await asyncio.open_connection(
            HOST, server.port, ssl=context, local_addr=(MASTER, 0)
        )
    master = RawClient(*streams)
    answer = await master.read(4, 0, 2)
    master.close()
    return answer == [0x4348, 1]


async def test_handshake_that_never_comes(
    secure: ModbusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modbus, "HANDSHAKE_S", 0.05)
    async with client(secure.port) as silent:
        assert await silent.ended() == b""
    assert secure.peers == []


@amount
async def test_handshakes_that_are_none(
    site: Site, secure: ModbusServer, authority: Authority, amount: int
) -> None:
    random = Random(amount)
    share = amount // 10 // len(ATTACKERS)

    async def send(peer: str) -> None:
        for _ in range(share):
            attacker = await RawClient.open(secure.port, peer)
            # Half of them begin as a handshake does.
            begin = random.choice([b"", b"\x16\x03\x01\x02\x00\x01"])
            attacker.writer.write(begin + random.randbytes(random.randrange(1, 600)))
            attacker.finish()
            answer = await attacker.ended()
            assert answer[:1] in (b"", b"\x15"), "an alert of TLS, if anything"
            attacker.close()

    await asyncio.gather(*(send(peer) for peer in ATTACKERS))
    assert (site.commanded, site.writes) == ({}, [])
    assert await serves_tls(secure, authority)


async def test_handshakes_that_stay_away_do_not_keep_others_out(
    secure: ModbusServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modbus_connections, "MOST", 4)
    silent = [await RawClient.open(secure.port, ATTACKERS[0]) for _ in range(10)]
    assert await serves_tls(secure, authority)
    for each in silent:
        each.close()


async def test_stop_while_clients_do_whatever_they_do(
    site: Site, settings: TlsSettings
) -> None:
    tasks = asyncio.all_tasks()
    for tls in (None, settings):
        async with site.served(time.monotonic, tls=tls) as server:
            clients = [
                await RawClient.open(server.port, ATTACKERS[n]) for n in range(4)
            ]
            clients[1].writer.write(b"\x00\x01\x00")
            clients[2].send(struct.pack(">BHH", 4, 0, 1))
            clients[3].finish()
        for each in clients:
            await each.ended()
            each.close()
    assert asyncio.all_tasks() <= tasks
