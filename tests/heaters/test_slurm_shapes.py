"""What is read from the answers of several versions of Slurm."""

import pytest

from custom_components.compute_heater.heaters.model import (
    HeaterProtocolError,
    ModuleCondition,
)
from custom_components.compute_heater.heaters.slurm_hosts import expand_hosts
from custom_components.compute_heater.heaters.slurm_jobs import (
    nodes_to_requeue,
    parse_jobs,
)
from custom_components.compute_heater.heaters.slurm_json import fault, number
from custom_components.compute_heater.heaters.slurm_nodes import Node, parse_nodes
from custom_components.compute_heater.heaters.slurm_plan import make_plan
from custom_components.compute_heater.heaters.slurm_reading import make_reading
from custom_components.compute_heater.heaters.slurm_settings import SlurmSettings
from custom_components.compute_heater.heaters.slurm_version import choose_api

from .slurm_shapes import (
    Json,
    job,
    measured,
    no_value,
    node_38,
    node_39,
    node_42,
    openapi,
    refusal,
    value,
)

SETTINGS = SlurmSettings(name="House", idle_w=40, full_w=100, partition="heat")
OURS = SETTINGS.reason


def nodes(*bodies: Json) -> list[Node]:
    return parse_nodes({"nodes": list(bodies)})


@pytest.mark.parametrize(
    ("offered", "chosen", "commands", "many", "lapses"),
    [
        (openapi(36, 37, 38, old=True), "v0.0.38", False, False, False),
        (openapi(37, 38, 39), "v0.0.39", True, False, False),
        (openapi(40, 41, 42), "v0.0.42", True, True, True),
        (openapi(42, 43, 44, 45, requeue=True), "v0.0.45", True, True, True),
        # Newer than any that we know: the oldest, which changed least.
        (openapi(44, 45, 46), "v0.0.45", True, True, True),
        (openapi(51, 52), "v0.0.51", True, True, True),
    ],
)
def test_the_version_is_chosen_from_what_is_offered(
    offered: Json, chosen: str, commands: bool, many: bool, lapses: bool
) -> None:
    api = choose_api(offered)
    assert api.name == chosen
    assert (api.can_command, api.changes_many, api.can_lapse) == (
        commands,
        many,
        lapses,
    )
    assert (api.requeue is not None) == ("/slurm/v0.0.45/jobs/requeue" in str(offered))
    assert api.jobs is not None and api.jobs.startswith(f"/slurm/{chosen}/jobs")


@pytest.mark.parametrize(
    "offered",
    [{}, {"paths": []}, {"paths": {"/redfish/v1": {"get": {}}}}, openapi()],
)
def test_something_else_is_no_slurm(offered: Json) -> None:
    with pytest.raises(HeaterProtocolError, match="no Slurm"):
        choose_api(offered)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (5, 5),
        (0, 0),
        (value(7), 7),
        (no_value(7), None),
        ({"set": True, "infinite": True, "number": 7}, None),
        (4294967294, None),
        (4294967295, None),
        (18446744073709551614, None),
        (True, None),
        ("5", None),
        (None, None),
        ({"number": 3}, None),
        ([], None),
    ],
)
def test_both_shapes_of_numbers(written: object, read: float | None) -> None:
    assert number({"outer": {"key": written}}, "outer", "key") == read


@pytest.mark.parametrize("make", [node_38, node_39, node_42])
def test_no_power_is_no_zero(make: object) -> None:
    (node,) = nodes(make("arm0"))  # type: ignore[operator]
    assert node.power_w is None and node.energy_j is None
    assert (node.cpus, node.alloc_cpus) == (2, 0)
    assert node.partitions == {"heat"} and node.flags == {"IDLE"}
    reading = make_reading([node], SETTINGS, fulfils=None, failing=False)
    assert reading.power_w is None and reading.energy_kwh is None


def test_measured_power_is_that_of_all_nodes_or_none() -> None:
    both = nodes(
        node_42("arm0", energy=measured(80, 3.6e6)),
        node_42("arm1", energy=measured(40, 7.2e6)),
    )
    reading = make_reading(both, SETTINGS, fulfils=None, failing=False)
    assert (reading.power_w, reading.energy_kwh) == (120, 3)
    one = nodes(node_42("arm0", energy=measured(80, 3.6e6)), node_42("arm1"))
    reading = make_reading(one, SETTINGS, fulfils=None, failing=False)
    assert reading.power_w is None and reading.energy_kwh is None
    off = nodes(
        node_42("arm0", energy=measured(80, 3.6e6)),
        node_42("arm1", "IDLE", "POWERED_DOWN", energy=measured(40, 7.2e6)),
    )
    reading = make_reading(off, SETTINGS, fulfils=None, failing=False)
    assert (reading.power_w, reading.energy_kwh) == (80, 3)


@pytest.mark.parametrize(
    ("flags", "condition", "busy", "broken"),
    [
        (("IDLE",), ModuleCondition.ON, False, False),
        (("MIXED", "DRAIN"), ModuleCondition.ON, True, False),
        (("IDLE", "COMPLETING"), ModuleCondition.ON, True, False),
        (("IDLE", "POWERED_DOWN"), ModuleCondition.OFF, False, False),
        (("IDLE", "POWERING_DOWN"), ModuleCondition.SHUTTING_DOWN, False, False),
        (("IDLE", "POWER_DOWN"), ModuleCondition.SHUTTING_DOWN, False, False),
        (
            ("IDLE", "NOT_RESPONDING", "POWERING_UP"),
            ModuleCondition.STARTING,
            False,
            False,
        ),
        (("IDLE", "NOT_RESPONDING"), None, False, False),
        (("DOWN",), None, False, True),
        (("FAIL", "DRAIN"), None, False, True),
    ],
)
def test_states_of_nodes(
    flags: tuple[str, ...],
    condition: ModuleCondition | None,
    busy: bool,
    broken: bool,
) -> None:
    (new,) = nodes(node_42("arm0", *flags))
    (old,) = nodes(node_38("arm0", flags[0].lower(), *flags[1:]))
    for node in (new, old):
        assert node.condition(OURS) is condition
        assert (node.is_busy, node.is_broken) == (busy, broken)


def test_what_is_no_node_is_left_out() -> None:
    assert parse_nodes({}) == parse_nodes({"nodes": {}}) == []
    body: Json = {"nodes": [None, {}, {"name": "a"}, {"name": "b", "state": 5}]}
    assert parse_nodes(body) == []
    (bare,) = parse_nodes({"nodes": [{"name": "c", "state": "idle"}]})
    assert bare.cpus is None
    reading = make_reading([bare], SETTINGS, fulfils=None, failing=False)
    assert reading.utilisation_percent is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("arm0", ("arm0",)),
        ("arm[0-2,7],big", ("arm0", "arm1", "arm2", "arm7", "big")),
        (
            "r[08-10]n[1,2]",
            tuple(f"r{r}n{n}" for r in ("08", "09", "10") for n in (1, 2)),
        ),
        (" a , b ", ("a", "b")),
        ("a,a", ("a",)),
    ],
)
def test_lists_of_nodes(text: str, names: tuple[str, ...]) -> None:
    assert expand_hosts(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "a[",
        "a]",
        "a[1-",
        "a[x]",
        "a[3-1]",
        "a,,b",
        ",",
        "a[0-99999]",
        "a[[1]]",
        "a[0-99]b[0-99]",
    ],
)
def test_what_is_no_list_of_nodes(text: str) -> None:
    with pytest.raises(HeaterProtocolError):
        expand_hosts(text)


def test_only_nodes_that_lose_nothing_are_emptied() -> None:
    jobs = parse_jobs(
        {
            "jobs": [
                job(1, "arm[0-1]"),
                job(2, "arm2", requeue=False),
                job(3, "arm3"),
                job(4, "arm3", batch_flag=False),
                job(5, "arm4", het_job_id=value(5)),
                job(6, "", job_state=["PENDING"]),
                job(7, "arm5", requeue=1, batch_flag=1, job_state="RUNNING"),
            ]
        }
    )
    busy = [f"arm{index}" for index in range(7)]
    # On arm6 there is a job that we are not shown.
    assert nodes_to_requeue(busy, jobs) == {"arm0", "arm1", "arm5"}
    lost = parse_jobs({"jobs": [job(1, "arm0"), job(2, "arm[")]})
    assert nodes_to_requeue(busy, lost) == set()


def test_what_works_stays_at_work() -> None:
    cluster = nodes(
        node_42("a"),
        node_42("b", "ALLOCATED", alloc_cpus=2),
        node_42("c", "IDLE", "DRAIN", reason=OURS),
        node_42("d", "IDLE", "DRAIN", reason="disk"),
        node_42("e", "DOWN", reason="Not responding"),
        node_42("f", "ALLOCATED", "DRAIN", reason=OURS, alloc_cpus=1),
    )
    one = make_plan(cluster, OURS, active=1, on=True)
    assert (one.drain, one.resume, one.empty) == (("a",), (), ("f",))
    # The one that still computes is taken back first.
    three = make_plan(cluster, OURS, active=3, on=True)
    assert (three.drain, three.resume, three.empty) == ((), ("f",), ())
    everything = make_plan(cluster, OURS, active=6, on=True)
    assert everything.resume == ("f", "c")
    off = make_plan(cluster, OURS, active=0, on=False)
    assert (off.drain, off.power_down, off.empty) == (("a", "b"), ("c",), ("f",))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, None),
        ({"errors": []}, None),
        (refusal(0, "No error"), None),
        (refusal(1007, "Protocol authentication error"), 1007),
        ({"errors": [{"errno": 5}]}, None),
        ({"errors": [{"description": "Unable to query"}]}, 0),
        ({"errors": "all"}, None),
    ],
)
def test_errors_in_answers(body: Json, said: int | None) -> None:
    found = fault(body)
    assert (None if found is None else found[0]) == said


@pytest.mark.parametrize(
    "wrong",
    [
        {"nodes": "a"},
        {"partition": None},
        {"idle_w": 100},
        {"full_w": float("inf")},
        {"idle_w": -1},
        {"lease_s": 0},
    ],
)
def test_settings_that_make_no_heater(wrong: Json) -> None:
    values = {"name": "House", "idle_w": 40, "full_w": 100, "partition": "heat"}
    with pytest.raises(HeaterProtocolError):
        SlurmSettings(**{**values, **wrong})


@pytest.mark.parametrize(
    ("watts", "active"),
    [(None, 4), (1e6, 4), (400, 4), (399, 3), (280, 2), (220, 1), (219, 0), (0, 0)],
)
def test_a_limit_is_never_exceeded(watts: float | None, active: int) -> None:
    assert SETTINGS.active_for(4, watts) == active
