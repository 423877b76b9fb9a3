"""The dialogue of a heater made of nodes of a Slurm cluster, its token, and its life."""

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
import ssl
from threading import Event, Thread
from typing import Any

from aiohttp import web
import pytest
from yarl import URL

from custom_components.compute_heater.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.compute_heater.heaters.model import ModuleCondition
from custom_components.compute_heater.heaters.redfish_tls import presented_fingerprint
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from tests.heaters.slurm_cluster import needs_slurm, running_slurm
from tests.heaters.slurm_shapes import node_38, node_42, openapi, refusal
from tests.heaters.test_redfish_tls import server_context
from tests.heaters.test_slurm_http import Rest, running

from .conftest import until
from .dialogue import (
    answer,
    begin,
    check_texts,
    expect_abort,
    expect_form,
    expect_menu,
    leave,
    suggested,
)
from .helpers import SETTINGS
from .plant import add_subentry, entity_id
from .test_flow_reauth import open_flows, poll

TOKEN = "eyJ.secret.token"
NODES: dict[str, Any] = {
    "name": "House",
    "partition": "heat",
    "node_idle_power": 40,
    "node_full_power": 100,
    "running_jobs": "finish",
    "can_power_down": False,
    "returns_without_us": True,
}
WATTS = SETTINGS | {"standby_power": 160, "eco_power": 280, "full_power": 400}


def login(url: str, **more: str | None) -> dict[str, Any]:
    return {"url": url, "token": TOKEN, **more}


def nodes(**more: Any) -> dict[str, Any]:
    """Return the answers of the form of nodes; what is None is left out."""
    return {key: value for key, value in (NODES | more).items() if value is not None}


class Cluster(Rest):
    """A slurmrestd of a cluster of four nodes that takes one token."""

    takes = TOKEN
    name = "oil"
    forbids = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers["X-SLURM-USER-TOKEN"] != self.takes:
            return web.json_response(
                refusal(1007, "Protocol authentication error"), status=500
            )
        if self.forbids and request.method == "POST":
            return web.json_response(refusal(2010, "Invalid user id"), status=500)
        if request.method == "GET" and "nodes" in request.path:
            slurm = {"release": "24.11.5", "cluster": self.name}
            return web.json_response({"nodes": self.nodes, "meta": {"slurm": slurm}})
        return await super().answer(request)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=[node_42(f"arm{i}") for i in range(4)])


@pytest.fixture
async def url(cluster: Cluster) -> AsyncGenerator[str]:
    async with running(cluster) as address:
        yield address


@asynccontextmanager
async def elsewhere(rest: Rest, context: ssl.SSLContext) -> AsyncGenerator[str]:
    """Serve on another loop: that of a test does not forgive handshakes that break off."""
    address: Future[str] = Future()
    over = Event()

    async def serve() -> None:
        async with running(rest, context) as url:
            address.set_result(url)
            await asyncio.to_thread(over.wait)

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        yield await asyncio.wrap_future(address)
    finally:
        over.set()
        await asyncio.to_thread(thread.join)


async def begin_slurm(hass: HomeAssistant, site: ConfigEntry) -> Any:
    """Open the dialogue that adds a heater, and choose Slurm."""
    menu = await begin(hass, site, "heater")
    expect_menu(menu, "user", "redfish", "search", "slurm", "composed")
    form = await answer(hass, menu, {"next_step_id": "slurm"})
    expect_form(form, "slurm")
    return form


async def add(hass: HomeAssistant, site: ConfigEntry, url: str, **more: Any) -> str:
    """Add a heater of the cluster; return its id."""
    return await add_subentry(
        hass,
        site,
        "heater",
        {"next_step_id": "slurm"},
        login(url),
        nodes(**more),
        WATTS
        if "nodes" not in more
        else WATTS | {"standby_power": 80, "eco_power": 140, "full_power": 200},
    )


async def test_add(
    hass: HomeAssistant, site: ConfigEntry, cluster: Cluster, url: str
) -> None:
    form = await begin_slurm(hass, site)
    assert suggested(form) == {}
    # As it is pasted from the output of scontrol.
    form = await answer(
        hass,
        form,
        login(f" {url}/ ", username="heat") | {"token": f"SLURM_JWT={TOKEN}\n"},
    )
    expect_form(form, "slurm_nodes")
    assert form["description_placeholders"] == {
        "cluster": "oil",
        "release": "24.11.5",
        "nodes": "4",
    }
    assert suggested(form) == {
        "running_jobs": "finish",
        "can_power_down": False,
        "returns_without_us": True,
    }
    form = await answer(hass, form, nodes())
    expect_form(form, "settings")
    assert form["description_placeholders"] == {
        "name": "House",
        "modules": "4",
        "floor": "160",
        "maximum": "400",
    }
    assert suggested(form)["standby_power"] == 160
    result = await answer(hass, form, WATTS)
    assert result["type"] is FlowResultType.CREATE_ENTRY

    (heater,) = site.subentries.values()
    assert heater.title == "House"
    assert (
        heater.unique_id
        == heater.data["identity"]["uuid"]
        == "slurm:oil:partition heat"
    )
    assert nodes().items() <= heater.data.items()
    assert WATTS.items() <= heater.data.items()
    assert heater.data["driver"] == "slurm"
    assert heater.data["url"] == url
    assert (heater.data["username"], heater.data["token"]) == ("heat", TOKEN)
    assert heater.data["fingerprint"] is None
    coordinator = site.runtime_data.heaters[heater.subentry_id]
    assert coordinator.available
    assert coordinator.data.modules_on == 4
    assert {user for _, user in cluster.tokens} == {"heat"}

    told = str(await async_get_config_entry_diagnostics(hass, site))
    assert TOKEN not in told
    assert url not in told
    assert "127.0.0.1" not in told
    assert "'heat'" in told  # the partition, but not the user of that name
    assert "'username': '**REDACTED**'" in told


async def test_standby_and_full(
    hass: HomeAssistant, site: ConfigEntry, cluster: Cluster, url: str
) -> None:
    """A power state chosen by hand is nodes that rest or work."""
    heater_id = await add(hass, site, url)
    select = entity_id(hass, site, heater_id, "power_state", "select")

    async def choose(state: str) -> list[list[str]]:
        await hass.services.async_call(
            "select",
            "select_option",
            {"entity_id": select, "option": state},
            blocking=True,
        )
        return [node["state"] for node in cluster.nodes]

    assert await choose("standby") == [["IDLE", "DRAIN"]] * 4
    assert {node["reason"] for node in cluster.nodes} == {"compute-heater: House"}
    assert await choose("full") == [["IDLE"]] * 4
    assert (await choose("eco")).count(["IDLE", "DRAIN"]) == 2


async def test_ways_that_lead_nowhere(
    hass: HomeAssistant, site: ConfigEntry, cluster: Cluster, url: str, free_port: int
) -> None:
    """Each is named, and none spoils the dialogue."""
    form = await begin_slurm(hass, site)
    form = await answer(hass, form, login("ftp://head"))
    expect_form(form, "slurm", url="invalid_url")
    assert suggested(form)["url"] == "ftp://head"
    form = await answer(hass, form, login(f"http://127.0.0.1:{free_port}"))
    expect_form(form, "slurm", base="slurm_cannot_connect")
    form = await answer(hass, form, login(url) | {"token": "guess"})
    expect_form(form, "slurm", base="invalid_token")
    form = await answer(hass, form, login(url) | {"token": "two\nlines"})
    expect_form(form, "slurm", base="invalid_token")

    cluster.forbids = True
    form = await answer(hass, form, login(url))
    expect_form(form, "slurm", base="slurm_forbids")
    assert not cluster.told
    cluster.forbids = False

    async def redfish(_: web.Request) -> web.StreamResponse:
        return web.json_response({"RedfishVersion": "1.15.0"})

    something = Rest()
    something.answer = redfish  # type: ignore[method-assign, assignment]
    async with running(something) as address:
        form = await answer(hass, form, login(address))
        expect_form(form, "slurm", base="not_slurm")
    cluster.nodes = []
    form = await answer(hass, form, login(url))
    expect_form(form, "slurm", base="not_slurm")

    old = Rest(nodes=[node_38("arm0")])

    async def of_old(request: web.Request) -> web.StreamResponse:
        if request.path == "/openapi/v3":
            return web.json_response(openapi(38, old=True))
        return web.json_response({"nodes": old.nodes})

    old.answer = of_old  # type: ignore[method-assign]
    async with running(old) as address:
        form = await answer(hass, form, login(address))
        expect_form(form, "slurm", base="slurm_too_old")
    leave(hass, form)


async def test_choice_of_nodes(
    hass: HomeAssistant, site: ConfigEntry, cluster: Cluster, url: str
) -> None:
    cluster.nodes.append(node_42("big", partitions=["all"]))
    await add(hass, site, url, name="North", partition=None, nodes=["arm[0-1]"])
    form = await answer(hass, await begin_slurm(hass, site), login(url))
    other: dict[str, Any] = {"partition": None, "nodes": ["arm2", " arm3"]}
    for values, errors in (
        ({"partition": None}, {"base": "nodes_or_partition"}),
        ({"nodes": ["arm2"]}, {"base": "nodes_or_partition"}),
        ({"partition": None, "nodes": ["arm[2-9]"]}, {"nodes": "no_such_node"}),
        ({"partition": None, "nodes": ["arm[2-"]}, {"nodes": "no_such_node"}),
        ({"partition": None, "nodes": ["arm1"]}, {"base": "nodes_in_use"}),
        ({}, {"base": "nodes_in_use"}),
        (other | {"name": " North "}, {"name": "name_in_use"}),
        (other | {"name": " "}, {"name": "no_name"}),
        (other | {"node_idle_power": 100}, {"node_full_power": "full_not_above_idle"}),
    ):
        form = await answer(hass, form, nodes(**values))
        expect_form(form, "slurm_nodes", **errors)
    form = await answer(hass, form, nodes(**other, name="South"))
    expect_form(form, "settings")
    assert form["description_placeholders"]["maximum"] == "200"
    leave(hass, form)


async def test_reconfigure(
    hass: HomeAssistant, site: ConfigEntry, cluster: Cluster, url: str
) -> None:
    """Other nodes and another choice for jobs; name and title stay."""
    heater_id = await add(hass, site, url)
    hass.config_entries.async_update_subentry(
        site, site.subentries[heater_id], title="Cellar"
    )
    await hass.async_block_till_done()
    form = await begin(hass, site, "heater", heater_id)
    expect_form(form, "slurm")
    assert suggested(form) == login(url, username=None)
    cluster.name = "water"
    form = await answer(hass, form, login(url))
    expect_form(form, "slurm", base="other_cluster")
    cluster.name = "oil"
    form = await answer(hass, form, login(url))
    expect_form(form, "slurm_nodes")
    known = nodes(name=None)
    assert suggested(form) == known
    assert "name" not in form["data_schema"].schema
    changed = known | {"nodes": ["arm[0-1]"], "running_jobs": "requeue"}
    del changed["partition"]
    form = await answer(hass, form, changed)
    assert suggested(form) == WATTS
    form = await answer(hass, form, WATTS)
    expect_form(form, "settings", full_power="above_maximum")
    less = WATTS | {"standby_power": 80, "eco_power": 140, "full_power": 200}
    expect_abort(await answer(hass, form, less), "reconfigure_successful")
    (heater,) = site.subentries.values()
    assert (heater.title, heater.data["name"]) == ("Cellar", "House")
    assert heater.unique_id == "slurm:oil:arm[0-1]"
    assert heater.data["nodes"] == "arm[0-1]"
    assert heater.data["running_jobs"] == "requeue"
    assert "partition" not in heater.data
    assert site.runtime_data.heaters[heater_id].available

    # The list is shown as the nodes that it stands for, and a lost partition is not.
    form = await begin(hass, site, "heater", heater_id)
    form = await answer(hass, form, suggested(form) | {"username": ""})
    assert suggested(form)["nodes"] == ["arm0", "arm1"]
    leave(hass, form)


async def test_certificate(
    hass: HomeAssistant, site: ConfigEntry, cluster: Cluster, tmp_path: Path
) -> None:
    """One that nobody signed is shown first, and then the only one that is taken."""
    context: ssl.SSLContext = server_context(tmp_path, "127.0.0.1")
    async with elsewhere(cluster, context) as address:
        shown = await presented_fingerprint(URL(address))
        assert shown is not None
        form = await answer(hass, await begin_slurm(hass, site), login(address))
        expect_form(form, "certificate")
        told = form["description_placeholders"]["fingerprint"]
        assert told.replace(":", "").lower() == shown
        assert not cluster.tokens
        form = await answer(hass, form, {})
        expect_form(form, "slurm_nodes")
        form = await answer(hass, form, nodes())
        await answer(hass, form, WATTS)
        (heater,) = site.subentries.values()
        assert heater.data["fingerprint"] == shown
        assert site.runtime_data.heaters[heater.subentry_id].available

        # It stays trusted while the address is the same.
        form = await begin(hass, site, "heater", heater.subentry_id)
        form = await answer(hass, form, login(address))
        expect_form(form, "slurm_nodes")
        leave(hass, form)


async def test_expired_token(
    hass: HomeAssistant,
    site: ConfigEntry,
    cluster: Cluster,
    url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A new one is asked for, and the heater goes on with it."""
    heater_id = await add(hass, site, url)
    cluster.takes = "another"
    await poll(hass, site, heater_id)
    await poll(hass, site, heater_id)
    assert [each.levelname for each in caplog.records].count("ERROR") == 1
    assert not site.runtime_data.heaters[heater_id].available
    (flow,) = open_flows(hass, site)
    assert flow["step_id"] == "reauth_slurm"

    async def submit(token: str, **more: str) -> Any:
        result = await hass.config_entries.flow.async_configure(
            flow["flow_id"], {"token": token, **more}
        )
        check_texts(result, "config")
        await hass.async_block_till_done()
        return result

    form = await submit("guess", username="heat")
    expect_form(form, "reauth_slurm", base="invalid_token")
    assert suggested(form) == {"username": "heat", "token": ""}
    cluster.name = "water"
    expect_form(await submit("another"), "reauth_slurm", base="other_cluster")
    cluster.name = "oil"
    expect_abort(await submit(" another "), "reauth_successful")
    assert site.subentries[heater_id].data["token"] == "another"
    assert site.runtime_data.heaters[heater_id].available
    assert not open_flows(hass, site)


def _settings(nodes: str) -> list[str]:
    """Return what is set of nodes, without what is measured."""
    moving = ("CPULoad=", "FreeMem=")
    return [word for word in nodes.split() if not word.startswith(moving)]


@pytest.mark.long
async def test_a_real_cluster(
    hass: HomeAssistant, site: ConfigEntry, tmp_path: Path
) -> None:
    """A partition is found, added, put to standby and powered down."""
    needs_slurm()
    async with running_slurm(tmp_path / "slurm") as real:
        form = await answer(
            hass,
            await begin_slurm(hass, site),
            login(real.url) | {"token": "no.such.one"},
        )
        expect_form(form, "slurm", base="invalid_token")
        of_nobody = await real.token(user="nobody")
        form = await answer(hass, form, login(real.url) | {"token": of_nobody})
        expect_form(form, "slurm", base="slurm_forbids")
        before = await real.run("scontrol", "show", "nodes", "-o")
        form = await answer(hass, form, login(real.url) | {"token": await real.token()})
        expect_form(form, "slurm_nodes")
        assert form["description_placeholders"]["nodes"] == "4"
        assert _settings(await real.run("scontrol", "show", "nodes", "-o")) == (
            _settings(before)
        )
        form = await answer(hass, form, nodes(can_power_down=True))
        await answer(hass, form, WATTS)
        (heater_id,) = site.subentries
        select = entity_id(hass, site, heater_id, "power_state", "select")

        def heater() -> Any:
            return site.runtime_data.heaters[heater_id]

        async def choose(state: str) -> None:
            await hass.services.async_call(
                "select",
                "select_option",
                {"entity_id": select, "option": state},
                blocking=True,
            )

        assert heater().data.modules_on == 4
        await choose("standby")
        drained = (await real.run("sinfo", "-h", "-N", "-o", "%T")).split()
        assert set(drained) == {"drained"}
        await choose("full")
        assert heater().data.work_share == 1

        # A token that is over, and a new one.
        soon_over = {"token": await real.token(lifespan_s=1)}
        part = site.subentries[heater_id]
        hass.config_entries.async_update_subentry(
            site, part, data={**part.data, **soon_over}
        )
        await hass.async_block_till_done()
        async with asyncio.timeout(30):
            while not open_flows(hass, site):
                await poll(hass, site, heater_id)
        (flow,) = open_flows(hass, site)
        assert flow["step_id"] == "reauth_slurm"
        result = await hass.config_entries.flow.async_configure(
            flow["flow_id"], {"token": await real.token()}
        )
        await hass.async_block_till_done()
        expect_abort(result, "reauth_successful")
        assert heater().available

        await choose("off")
        await until(
            lambda: (
                {m.condition for m in heater().data.modules} == {ModuleCondition.OFF}
            ),
            within=60,
        )
        await hass.config_entries.async_unload(site.entry_id)
