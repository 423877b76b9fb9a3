"""What works on a heater: BOINC clients that are added, changed and removed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from custom_components.compute_heater.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.compute_heater.heaters.boinc import BoincWork
from custom_components.compute_heater.heaters.model import HeaterAuthError
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from tests.heaters.boinc_client import (
    PASSWORD as BOINC_PASSWORD,
    needs_boinc,
    prepare,
    running_boinc,
)
from tests.heaters.test_boinc_faults import PASSWORD, STATUS, peer, replying, saying

from .dialogue import (
    answer,
    begin,
    check_texts,
    expect_abort,
    expect_form,
    expect_menu,
    leave,
    suggested,
    without_work,
)
from .helpers import (
    SETTINGS,
    SWITCH,
    ComposedHouse,
    compose,
    composed_form,
    set_up_helpers,
)
from .test_flow_reauth import open_flows, poll

PLUG = composed_form(power_switch=SWITCH, cuts_mains=True)
WATTS = SETTINGS | {"standby_power": 60}


@pytest.fixture(autouse=True)
async def helpers(hass: HomeAssistant) -> None:
    """Have a machine that is on: of one that boots no work is expected yet."""
    await set_up_helpers(hass)
    await hass.services.async_call(
        "input_boolean", "turn_on", {"entity_id": SWITCH}, blocking=True
    )


def boinc(work: BoincWork, password: str = PASSWORD) -> dict[str, Any]:
    """Return the answers of the form of BOINC."""
    login = {"host": " 127.0.0.1 ", "port": work._port, "password": password}
    return login | {"pauses_without_us": True}


def stored(work: BoincWork, password: str = PASSWORD) -> dict[str, Any]:
    """Return what is stored of a client."""
    return boinc(work, password) | {"driver": "boinc", "host": "127.0.0.1"}


@asynccontextmanager
async def peers(count: int) -> AsyncGenerator[list[BoincWork]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(peer(replying())) for _ in range(count)]


async def choose(hass: HomeAssistant, menu: Any, step: str) -> Any:
    return await answer(hass, menu, {"next_step_id": step})


async def begin_work(hass: HomeAssistant, site: ConfigEntry) -> Any:
    """Go as far as the form of BOINC, with a plug that nothing else unloads."""
    form = await begin(hass, site, "heater")
    form = await answer(hass, await choose(hass, form, "composed"), PLUG)
    expect_menu(form, "work", "no_work", "boinc")
    return await choose(hass, form, "boinc")


async def rack(
    hass: HomeAssistant, site: ConfigEntry, *works: BoincWork
) -> ComposedHouse:
    """Add a heater with some clients."""
    steps: list[dict[str, Any]] = []
    for work in works:
        steps += [{"next_step_id": "boinc"}, boinc(work)]
    return await compose(hass, site, PLUG, *steps, WATTS)


async def test_work_that_is_not_there(
    hass: HomeAssistant, site: ConfigEntry, free_port: int
) -> None:
    form = await begin_work(hass, site)
    expect_form(form, "boinc")
    assert suggested(form) == {"port": 31416, "pauses_without_us": True}
    form = await answer(hass, form, boinc(BoincWork("127.0.0.1", free_port)))
    expect_form(form, "boinc", base="work_cannot_connect")
    async with peer(replying()) as work:
        form = await answer(hass, form, boinc(work, "guess"))
        expect_form(form, "boinc", base="work_invalid_auth")
    async with peer(saying(b"<html>\003")) as work:
        form = await answer(hass, form, boinc(work))
        expect_form(form, "boinc", base="not_boinc")
    async with peer(saying(b"")) as work:
        form = await answer(hass, form, boinc(work))
        expect_form(form, "boinc", base="work_host_refused")
    leave(hass, form)


async def test_work_is_stored_and_removed(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    async with peer(replying()) as work:
        menu = await answer(hass, await begin_work(hass, site), boinc(work))
        expect_menu(menu, "works", "work_done", "boinc", "change_work", "remove_work")
        assert menu["description_placeholders"] == {
            "clients": f"127.0.0.1:{work._port}"
        }
        form = await choose(hass, menu, "work_done")
        expect_form(form, "settings")
        await answer(hass, form, WATTS)
        (heater,) = site.subentries.values()
        assert heater.data["work"] == [stored(work)]
        capabilities = heater.data["capabilities"]
        assert capabilities["can_pause"] is capabilities["can_share"] is True
        assert (capabilities["floor_w"], capabilities["max_w"]) == (60, 3000)
        told = str(await async_get_config_entry_diagnostics(hass, site))
        assert "127.0.0.1" not in told
        assert PASSWORD not in told

        # Without it nothing lowers the load before the plug is opened.
        form = await begin(hass, site, "heater", heater.subentry_id)
        menu = await answer(hass, form, suggested(form))
        expect_menu(menu, "works", "work_done", "boinc", "change_work", "remove_work")
        form = await choose(hass, menu, "remove_work")
        form = await without_work(hass, await answer(hass, form, {"client": "0"}))
        expect_form(form, "composed", base="mains_under_load")
        form = await answer(hass, form, suggested(form) | {"cuts_mains": False})
        form = await without_work(hass, form)
        expect_abort(await answer(hass, form, SETTINGS), "reconfigure_successful")
        (heater,) = site.subentries.values()
        assert "work" not in heater.data
        assert heater.data["capabilities"]["can_pause"] is False


async def test_several_clients(hass: HomeAssistant, site: ConfigEntry) -> None:
    """A rack with two BOINC clients; one is changed, one removed, one added."""
    async with peers(4) as (one, two, three, lone):
        made = await rack(hass, site, one, two)
        heater = site.subentries[made.heater_id]
        assert heater.data["work"] == [stored(one), stored(two)]
        assert len(made.coordinator.driver.work_readings) == 2

        form = await begin(hass, site, "heater", made.heater_id)
        menu = await answer(hass, form, suggested(form))
        form = await choose(hass, menu, "boinc")
        assert suggested(form) == {"port": 31416, "pauses_without_us": True}
        form = await answer(hass, form, boinc(two))
        expect_form(form, "boinc", base="work_already_added")
        menu = await answer(hass, form, boinc(three))

        form = await choose(hass, menu, "change_work")
        form = await answer(hass, form, {"client": "1"})
        expect_form(form, "change_boinc")
        assert suggested(form)["port"] == two._port
        form = await answer(hass, form, boinc(one))
        expect_form(form, "change_boinc", base="work_already_added")
        menu = await answer(hass, form, boinc(two) | {"pauses_without_us": False})
        form = await choose(hass, menu, "remove_work")
        expect_form(form, "remove_work")
        menu = await answer(hass, form, {"client": "0"})
        # What was decided in the dialogue holds once it has ended.
        assert site.subentries[made.heater_id].data["work"] == [
            stored(one),
            stored(two),
        ]
        form = await choose(hass, menu, "work_done")
        expect_abort(await answer(hass, form, WATTS), "reconfigure_successful")
        assert site.subentries[made.heater_id].data["work"] == [
            stored(two) | {"pauses_without_us": False},
            stored(three),
        ]

        # The only one is changed without asking which.
        other = composed_form(name="Other", power_switch="input_boolean.alarm")
        form = await begin(hass, site, "heater")
        form = await answer(hass, await choose(hass, form, "composed"), other)
        form = await choose(hass, form, "boinc")
        form = await answer(hass, form, boinc(three))
        expect_form(form, "boinc", base="work_in_use")
        menu = await answer(hass, form, boinc(lone))
        form = await choose(hass, menu, "change_work")
        expect_form(form, "change_boinc")
        assert suggested(form)["port"] == lone._port
        leave(hass, form)


async def test_all_clients_follow(hass: HomeAssistant, site: ConfigEntry) -> None:
    """Standby pauses every client."""
    seen: list[list[str]] = [[], []]
    async with AsyncExitStack() as stack:
        works = [await stack.enter_async_context(peer(replying(each))) for each in seen]
        made = await rack(hass, site, *works)
        for each in seen:
            each.clear()
        # These stay as they are, whatever they say.
        with pytest.raises(HomeAssistantError, match="set to auto"):
            await made.choose("standby")
        assert all("set_run_mode" in each for each in seen)


async def test_password_of_a_client(hass: HomeAssistant, site: ConfigEntry) -> None:
    """A client that refuses its password is asked for, and the heater goes on."""
    right = replying()
    wrong: set[str] = set()

    async def second(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await (replying(auth2="<unauthorized/>") if wrong else right)(reader, writer)

    async with peer(replying()) as one, peer(second) as two:
        made = await rack(hass, site, one, two)
        await poll(hass, site, made.heater_id)
        assert not open_flows(hass, site)
        wrong.add("password")
        await poll(hass, site, made.heater_id)
        await poll(hass, site, made.heater_id)
        (flow,) = open_flows(hass, site)
        assert flow["step_id"] == "reauth_boinc"
        assert made.coordinator.available
        refused = made.coordinator.driver.work_errors[1]
        assert isinstance(refused, HeaterAuthError)
        form = await hass.config_entries.flow.async_configure(flow["flow_id"])
        check_texts(form, "config")
        shown = form["description_placeholders"]
        assert shown is not None
        assert (shown["heater"], shown["client"]) == ("Miner", f"127.0.0.1:{two._port}")
        result = await hass.config_entries.flow.async_configure(
            flow["flow_id"], {"password": "guess"}
        )
        check_texts(result, "config")
        expect_form(result, "reauth_boinc", base="work_invalid_auth")
        wrong.clear()
        result = await hass.config_entries.flow.async_configure(
            flow["flow_id"], {"password": PASSWORD}
        )
        await hass.async_block_till_done()
        expect_abort(result, "reauth_successful")
        assert site.subentries[made.heater_id].data["work"] == [
            stored(one),
            stored(two),
        ]
        await poll(hass, site, made.heater_id)
        assert not open_flows(hass, site)
        refused = made.coordinator.driver.work_errors[1]
        assert not isinstance(refused, HeaterAuthError)


async def test_client_removed_meanwhile(hass: HomeAssistant, site: ConfigEntry) -> None:
    async with peer(replying()) as work:
        made = await rack(hass, site, work)
        late = await hass.config_entries.flow.async_init(
            "compute_heater",
            context={"source": "reauth", "entry_id": site.entry_id},
            data={"subentry_id": made.heater_id, "work": 1},
        )
        expect_abort(late, "heater_removed")


async def test_why_boinc_does_not_compute(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """Told in words where there is BOINC, and unknown while nobody can tell."""
    reason = "0"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status = STATUS.replace("reason>0<", f"reason>{reason}<")
        if reason == "broken":
            await replying(auth1="<html>")(reader, writer)
        else:
            await replying(get_cc_status=status)(reader, writer)

    async with peer(talk) as work:
        made = await rack(hass, site, work)
        for reason, shown in (
            ("0", "none"),
            ("64", "none"),
            ("2", "user_active"),
            ("1024", "cpu_busy"),
            ("9999", "other"),
            ("broken", "unknown"),
            ("0", "none"),
        ):
            await poll(hass, site, made.heater_id)
            assert made.state("suspended_reason", "sensor") == shown, reason
    other = await compose(
        hass,
        site,
        composed_form(name="Other", power_switch="input_boolean.alarm"),
        SETTINGS,
    )
    with pytest.raises(AssertionError):
        other.entity_id("suspended_reason", "sensor")


@needs_boinc
async def test_boinc_on_a_plug(
    hass: HomeAssistant, site: ConfigEntry, tmp_path: Path
) -> None:
    """A PC on a plug: its BOINC rests in standby, and computes at full power."""
    await asyncio.to_thread(prepare, tmp_path)
    async with running_boinc(tmp_path) as client:
        work = client.work()
        house = await compose(
            hass,
            site,
            PLUG,
            {"next_step_id": "boinc"},
            boinc(work, BOINC_PASSWORD),
            WATTS,
        )
        await house.choose("full")
        assert house.of(SWITCH) == "on"
        await house.poll()
        assert (await work.read()).share == 1
        await house.choose("standby")
        assert (await work.read()).share == 0
        assert house.of(SWITCH) == "on"
        await house.draw(50)
        await house.choose("off")
        assert house.of(SWITCH) == "off"
        await hass.config_entries.async_unload(site.entry_id)
