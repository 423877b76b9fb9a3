"""The BOINC driver with peers that are broken, slow, or no BOINC at all."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
import hashlib
import re

import pytest

from custom_components.compute_heater.heaters import boinc_rpc
from custom_components.compute_heater.heaters.boinc import BoincWork, RunMode
from custom_components.compute_heater.heaters.boinc_rpc import BoincHostRefusedError
from custom_components.compute_heater.heaters.model import (
    HeaterAuthError,
    HeaterConnectionError,
    HeaterError,
    HeaterProtocolError,
    HeaterRefusedError,
)

from ..building.ports import free_tcp_port

type Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

PASSWORD = "open sesame"
NONCE = "1700000000.123456"
STATUS = (
    "<cc_status><task_suspend_reason>0</task_suspend_reason><task_mode>2</task_mode>"
    "<task_mode_perm>2</task_mode_perm><task_mode_delay>0</task_mode_delay></cc_status>"
)
GOOD = {
    "exchange_versions/": "<server_version><major>8</major></server_version>",
    "get_host_info/": "<host_info><p_ncpus>4</p_ncpus></host_info>",
    "get_cc_status/": STATUS,
    "get_global_prefs_working/": "<global_preferences/>",
    "get_global_prefs_override/": "<global_preferences/>",
    "set_global_prefs_override": "<success/>",
    "read_global_prefs_override/": "<success/>",
    "set_run_mode": "<success/>",
    "get_results": "<results></results>",
}


@asynccontextmanager
async def peer(talk: Talk) -> AsyncGenerator[BoincWork]:
    """Listen as something, and return the driver that talks to it."""

    talks: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield BoincWork("127.0.0.1", port, PASSWORD, pauses_without_us=True)
    finally:
        server.close()
        server.close_clients()
        await asyncio.gather(*(task for task in talks if task))
        await server.wait_closed()


def replying(seen: list[str] | None = None, nonce: str = NONCE, **answers: str) -> Talk:
    """Talk as BOINC does, with other answers to the requests that are named."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = (await reader.readuntil(b"\003")).decode()
            name = re.findall(r"<([^>]+)>", request)[1]
            if seen is not None:
                seen.append(name)
            if name.rstrip("/") in answers:
                answer = answers[name.rstrip("/")]
            elif name == "auth1/":
                answer = f"<nonce>{NONCE}</nonce>"
            elif name == "auth2":
                right = hashlib.md5((nonce + PASSWORD).encode()).hexdigest()  # noqa: S324
                answer = "<authorized/>" if right in request else "<unauthorized/>"
            else:
                answer = GOOD[name]
            reply = f"<boinc_gui_rpc_reply>\n{answer}\n</boinc_gui_rpc_reply>\n\003"
            writer.write(reply.encode("utf-8", "surrogateescape"))

    return talk


def saying(raw: bytes, *, hang: bool = False) -> Talk:
    """Answer the first request with these bytes, then hang up or say no more."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\003")
        writer.write(raw)
        await writer.drain()
        if hang:
            await reader.read()

    return talk


async def test_the_peer_is_good_enough() -> None:
    async with peer(replying()) as work:
        assert (await work.connect()).cpus == 4
        assert (await work.read()).share == 1


async def test_nobody_there() -> None:
    work = BoincWork("127.0.0.1", free_tcp_port())
    for call in (work.connect, work.read, work.keep):
        with pytest.raises(HeaterConnectionError):
            await call()
    with pytest.raises(HeaterConnectionError):
        await work.apply(0)
    await work.close()


@pytest.mark.parametrize("host", ["", "\udcff"])
async def test_no_address(host: str) -> None:
    with pytest.raises(HeaterConnectionError):
        await BoincWork(host, free_tcp_port()).connect()


async def test_this_machine_may_not_ask() -> None:
    async def hang_up(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Do as BOINC does with hosts that are not on its list."""

    async with peer(hang_up) as work:
        with pytest.raises(BoincHostRefusedError, match=r"remote_hosts\.cfg"):
            await work.connect()


async def test_wrong_nonce() -> None:
    async with peer(replying(nonce="another")) as work:
        with pytest.raises(HeaterAuthError):
            await work.read()


@pytest.mark.parametrize("name", ["get_cc_status", "set_run_mode"])
async def test_authorization_lost(name: str) -> None:
    async with peer(replying(**{name: "<unauthorized/>"})) as work:
        with pytest.raises(HeaterAuthError):
            await work.apply(0)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
        b"\x00\x01\x02\x03",
        b"\xff" * 5000,
        b"<html></html>\003",
        b"\003",
        b"<boinc_gui_rpc_replx>",
    ],
)
@pytest.mark.parametrize("hang", [False, True])
async def test_something_else_answers(raw: bytes, hang: bool) -> None:
    async with peer(saying(raw, hang=hang)) as work:
        with pytest.raises(HeaterProtocolError):
            await work.connect()


@pytest.mark.parametrize(
    "raw",
    [
        b"<boinc_gui_rpc_reply>\n<nonce>1\003",
        b"<boinc_gui_rpc_reply>\n<nonce>1</nonce></boinc_gui_rpc_reply>x\003",
        b"<boinc_gui_rpc_reply><nonce>&nbsp;</nonce></boinc_gui_rpc_reply>\003",
        b"<boinc_gui_rpc_reply><!DOCTYPE a></boinc_gui_rpc_reply>\003",
        b"<boinc_gui_rpc_reply></boinc_gui_rpc_reply>\003",
        b"<boinc_gui_rpc_reply><nonce>  </nonce></boinc_gui_rpc_reply>\003",
    ],
)
async def test_bad_replies(raw: bytes) -> None:
    async with peer(saying(raw, hang=True)) as work:
        with pytest.raises(HeaterProtocolError):
            await work.connect()


@pytest.mark.parametrize("raw", [b"<boinc_gui", b"<boinc_gui_rpc_reply>\n<nonce>17"])
async def test_closed_in_the_middle(raw: bytes) -> None:
    async with peer(saying(raw)) as work:
        with pytest.raises(HeaterConnectionError, match="middle"):
            await work.connect()


async def test_closed_between_two_requests() -> None:
    reply = f"<boinc_gui_rpc_reply><nonce>{NONCE}</nonce></boinc_gui_rpc_reply>\003"
    async with peer(saying(reply.encode())) as work:
        with pytest.raises(HeaterConnectionError) as caught:
            await work.connect()
        assert not isinstance(caught.value, BoincHostRefusedError)


@pytest.mark.parametrize("raw", [b"", b"<boinc_gui_rpc_reply>\n<nonce>17"])
async def test_no_answer(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boinc_rpc, "CALL_S", 0.2)
    async with peer(saying(raw, hang=True)) as work:
        with pytest.raises(HeaterConnectionError, match="no answer"):
            await work.connect()


async def test_an_answer_in_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then does not extend the time there is."""
    monkeypatch.setattr(boinc_rpc, "CALL_S", 0.5)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"<boinc_gui_rpc_reply>")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with peer(drip) as work:
        with pytest.raises(HeaterConnectionError, match="no answer"):
            await work.connect()


async def test_an_answer_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boinc_rpc, "MAX_REPLY", 100_000)

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"<boinc_gui_rpc_reply>")
        while not writer.is_closing():
            writer.write(b" " * 10_000)
            await writer.drain()

    async with peer(flood) as work:
        with pytest.raises(HeaterProtocolError, match="no end"):
            await work.connect()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("get_cc_status", ""),
        ("get_cc_status", "<cc_status/>"),
        ("get_cc_status", STATUS.replace("<task_mode>2", "<task_mode>9")),
        ("get_cc_status", STATUS.replace("<task_mode_perm>2", "<task_mode_perm>x")),
        ("get_cc_status", STATUS.replace("<task_mode>2", "<task_mode>nan")),
        ("get_host_info", ""),
        ("get_host_info", "<host_info><p_ncpus>0</p_ncpus></host_info>"),
        ("get_host_info", "<host_info><p_ncpus>inf</p_ncpus></host_info>"),
        ("get_global_prefs_working", ""),
        ("get_global_prefs_working", "<error>1</error>"),
    ],
)
async def test_half_an_answer(name: str, answer: str) -> None:
    async with peer(replying(**{name: answer})) as work:
        with pytest.raises(HeaterProtocolError):
            await work.read()


@pytest.mark.parametrize(
    "preferences",
    [
        "<max_ncpus_pct>many</max_ncpus_pct><cpu_usage_limit/>",
        "<max_ncpus_pct>-5</max_ncpus_pct><cpu_usage_limit>nan</cpu_usage_limit>",
        "<max_ncpus_pct>1e300</max_ncpus_pct>",
        "<!-- nothing -->",
    ],
)
async def test_senseless_preferences_limit_nothing(preferences: str) -> None:
    answer = f"<global_preferences>{preferences}</global_preferences>"
    async with peer(replying(get_global_prefs_working=answer)) as work:
        assert (await work.read()).share == 1


async def test_names_of_any_bytes() -> None:
    name = b"\xff\x01caf\xc3\xa9".decode("utf-8", "surrogateescape")
    answer = (
        f"<host_info><domain_name>{name}</domain_name><p_ncpus>4</p_ncpus></host_info>"
    )
    async with peer(replying(get_host_info=answer)) as work:
        assert (await work.connect()).name == "\ufffd café"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("set_run_mode", "<error>no</error>"),
        ("set_run_mode", ""),
        ("set_global_prefs_override", "<status>-108</status>"),
        ("set_global_prefs_override", "<old_reply><status>-108</status></old_reply>"),
        ("read_global_prefs_override", "<error>no</error>"),
    ],
)
async def test_refused(name: str, answer: str) -> None:
    async with peer(replying(**{name: answer})) as work:
        with pytest.raises(HeaterRefusedError):
            await work.apply(0.5)


async def test_obeys_in_words_only() -> None:
    seen: list[str] = []
    async with peer(replying(seen)) as work:
        with pytest.raises(HeaterRefusedError, match="BOINC allows"):
            await work.apply(0.5)
        # It was not told to compute more than it was asked for.
        assert "set_run_mode" not in seen
        with pytest.raises(HeaterRefusedError, match="never"):
            await work.apply(0)


async def test_any_garbage_is_a_heater_error() -> None:
    good = b"<boinc_gui_rpc_reply><nonce>1</nonce></boinc_gui_rpc_reply>\003"
    for cut in range(0, len(good) - 1, 3):
        for raw in (
            good[:cut],
            good[:cut] + b"\003",
            good[:cut] + b"\xfe" + good[cut:],
        ):
            async with peer(saying(raw)) as work:
                with pytest.raises(HeaterError):
                    await work.connect()


async def test_a_newer_client_has_preferences_for_times_without_use() -> None:
    answer = (
        "<global_preferences><max_ncpus_pct>50</max_ncpus_pct>"
        "<niu_max_ncpus_pct>75</niu_max_ncpus_pct></global_preferences>"
    )
    async with peer(replying(get_global_prefs_working=answer)) as work:
        assert (await work.read()).share == 0.75


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        (0, None),
        (64, None),
        (1, "on_batteries"),
        (1024, "cpu_busy"),
        (4098, "battery_charging"),
        (7, "other"),
    ],
)
async def test_suspend_reasons(reason: int, shown: str | None) -> None:
    answer = STATUS.replace("reason>0<", f"reason>{reason}<")
    tasks = (
        "<results><result><state>2</state><resources>2 CPUs</resources>"
        "<active_task><scheduler_state>2</scheduler_state></active_task></result>"
        "</results>"
    )
    async with peer(replying(get_cc_status=answer, get_results=tasks)) as work:
        reading = await work.read()
    assert reading.suspended_reason == shown
    assert reading.busy_share == (0.5 if shown is None else 0)
    assert reading.running is (shown is None)
    assert reading.has_work


@pytest.mark.parametrize(
    "held",
    ["<suspended_via_gui/>", "<project_suspended_via_gui/>", "<ready_to_report/>"],
)
async def test_tasks_that_are_no_work(held: str) -> None:
    tasks = f"<results><result><state>2</state>{held}</result></results>"
    async with peer(replying(get_results=tasks)) as work:
        assert (await work.read()).has_work is False


async def test_modes_by_name() -> None:
    assert [mode.tag for mode in RunMode] == ["always", "auto", "never"]
