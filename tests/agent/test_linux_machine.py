"""What the Linux machine decides: caps, lease, protection, off, and what it complains of."""

from dataclasses import replace

import pytest

from compute_heater_agent.errors import CapRangeError, TrippedError
from compute_heater_agent.linux.hardware import Hardware, find_hardware
from compute_heater_agent.linux.machine import LinuxMachine, PowerCommand
from compute_heater_agent.linux.meter import choose_source
from compute_heater_agent.linux.probe import Sample
from compute_heater_agent.linux.settings import LinuxSettings, OffMode
from compute_heater_agent.machine import ControlMode
from compute_heater_agent.modules import ModuleState, ResetType
from compute_heater_agent.notices import Happening, Notice

from .linux_tree import SLICE, Tree

SETTINGS = LinuxSettings(idle_w=50, max_w=250, default_w=70, lease_s=60)
IDLE = Sample(dt_s=1, power_w=50, cpu_use=0.0, frozen=False)


@pytest.fixture
async def hardware(tree: Tree) -> Hardware:
    """Give a machine with a control group, a coolant sensor and systemd."""
    tree.add_group_v2()
    tree.add_systemd()
    return await find_hardware(tree.root, SLICE)


def make(hardware: Hardware, settings: LinuxSettings = SETTINGS) -> LinuxMachine:
    source = choose_source(settings, hardware)
    return LinuxMachine(settings, hardware, source, can_freeze=True)


def listen(machine: LinuxMachine) -> list[Notice]:
    notices: list[Notice] = []
    machine.listen(notices.append)
    return notices


def test_starts_with_the_default_cap(hardware: Hardware) -> None:
    machine = make(hardware)
    assert machine.power_limit_w == 70
    assert machine.step(IDLE).share == pytest.approx(0.1)
    assert machine.power_w == 50
    assert machine.load_percent == 20
    assert machine.energy_j == 50
    assert machine.step(replace(IDLE, power_w=None)).share == pytest.approx(0.1)
    assert machine.power_w is None
    assert machine.load_percent is None
    assert machine.energy_j == 50


def test_cap_and_no_cap(hardware: Hardware) -> None:
    machine = make(hardware)
    machine.set_cap(set_point_w=150)
    assert machine.step(IDLE).share == pytest.approx(0.5)
    machine.set_cap(control_mode=ControlMode.DISABLED)
    assert machine.step(IDLE).share is None
    for watts in (49, 251):
        with pytest.raises(CapRangeError):
            machine.set_cap(set_point_w=watts)


def test_lease_ends(hardware: Hardware) -> None:
    machine = make(hardware)
    notices = listen(machine)
    machine.renew_lease()
    machine.set_cap(control_mode=ControlMode.DISABLED)
    assert machine.step(replace(IDLE, dt_s=59)).share is None
    assert machine.step(replace(IDLE, dt_s=2)).share == pytest.approx(0.1)
    assert machine.power_limit_w == 70
    kinds = [notice.happening for notice in notices]
    assert kinds[-1] is Happening.LEASE_EXPIRED
    assert machine.fall_back().share == pytest.approx(0.1)


def test_freezes_and_goes_on(hardware: Hardware) -> None:
    machine = make(hardware)
    assert machine.reset_types == (
        ResetType.ON,
        ResetType.GRACEFUL_SHUTDOWN,
        ResetType.FORCE_OFF,
    )
    module, notices = machine.modules[0], listen(machine)
    assert not machine.step(IDLE).frozen
    machine.reset(0, ResetType.GRACEFUL_SHUTDOWN)
    assert module.state is ModuleState.DRAINING
    assert machine.step(IDLE).frozen
    assert machine.step(replace(IDLE, frozen=True)).frozen
    assert module.state is ModuleState.OFF
    machine.reset(0, ResetType.FORCE_OFF)
    assert module.state is ModuleState.OFF
    machine.reset(0, ResetType.ON)
    assert module.state is ModuleState.BOOTING
    assert not machine.step(replace(IDLE, frozen=True)).frozen
    machine.step(IDLE)
    assert module.state is ModuleState.ON
    assert [notice.happening for notice in notices] == [
        Happening.POWERING_OFF,
        Happening.POWERED_OFF,
        Happening.POWERING_ON,
        Happening.POWERED_ON,
    ]


def test_work_that_is_frozen_at_the_start_stays_so(hardware: Hardware) -> None:
    machine = make(hardware)
    assert machine.step(replace(IDLE, frozen=True)).frozen
    assert machine.modules[0].state is ModuleState.OFF
    # Its group was made anew: off is still off.
    assert machine.step(IDLE).frozen


def test_nothing_is_off_before_anybody_has_looked(hardware: Hardware) -> None:
    machine = make(hardware)
    machine.reset(0, ResetType.GRACEFUL_SHUTDOWN)
    assert machine.modules[0].state is ModuleState.DRAINING
    assert machine.step(IDLE).frozen
    assert machine.modules[0].state is ModuleState.DRAINING
    machine.step(replace(IDLE, frozen=True))
    assert machine.modules[0].state is ModuleState.OFF


def test_powers_off_and_reboots(hardware: Hardware) -> None:
    settings = replace(SETTINGS, off=OffMode.POWER_OFF)
    machine = make(hardware, settings)
    assert set(machine.reset_types) == set(ResetType)
    machine.step(IDLE)
    machine.reset(0, ResetType.ON)
    assert machine.modules[0].state is ModuleState.ON
    machine.reset(0, ResetType.GRACEFUL_SHUTDOWN)
    assert machine.step(IDLE).power == PowerCommand(verb="poweroff", force=False)
    assert machine.step(IDLE).power is None, "told once"
    assert machine.modules[0].state is ModuleState.DRAINING
    machine.stays_up()
    assert machine.modules[0].state is ModuleState.ON
    machine.reset(0, ResetType.FORCE_RESTART)
    assert machine.step(IDLE).power == PowerCommand(verb="reboot", force=True)


def test_what_it_cannot_do_is_not_offered(hardware: Hardware) -> None:
    source = choose_source(SETTINGS, hardware)
    machine = LinuxMachine(SETTINGS, hardware, source, can_freeze=False)
    assert machine.reset_types == ()
    settings = replace(SETTINGS, off=OffMode.POWER_OFF)
    without = replace(hardware, has_systemd=False)
    assert make(without, settings).reset_types == ()


HOT = replace(SETTINGS, coolant="hwmon:pool:temp1", trip_c=60)


def test_trip_stops_the_work(hardware: Hardware) -> None:
    machine = make(hardware, HOT)
    notices = listen(machine)
    machine.set_cap(control_mode=ControlMode.DISABLED)
    assert machine.step(replace(IDLE, coolant_c=40)).share is None
    warm = machine.step(replace(IDLE, coolant_c=58.5, cpu_use=1.0, power_w=150))
    assert machine.effective_limit_w == 150
    assert warm.share == pytest.approx(0.5)
    assert machine.step(replace(IDLE, coolant_c=60)).frozen
    assert machine.power_limit_w == 50
    assert machine.effective_limit_w == 50
    with pytest.raises(TrippedError):
        machine.reset(0, ResetType.ON)
    # Cool again it waits for a client.
    assert machine.step(replace(IDLE, coolant_c=49, frozen=True)).frozen
    machine.reset(0, ResetType.ON)
    assert not machine.step(replace(IDLE, coolant_c=49, frozen=True)).frozen
    kinds = {notice.happening for notice in notices}
    assert {Happening.TRIPPED, Happening.TRIP_CLEARED} <= kinds


def test_trip_powers_off_only_if_freezing_does_not_help(hardware: Hardware) -> None:
    machine = make(hardware, replace(HOT, off=OffMode.POWER_OFF))
    machine.step(replace(IDLE, coolant_c=40))
    tripped = machine.step(replace(IDLE, coolant_c=60.5))
    assert (tripped.frozen, tripped.power) == (True, None)
    hotter = machine.step(replace(IDLE, coolant_c=62, frozen=True))
    assert hotter.power == PowerCommand(verb="poweroff", force=False)
    assert machine.step(replace(IDLE, coolant_c=62, frozen=True)).power is None


def test_without_its_coolant_sensor_it_holds_back(hardware: Hardware) -> None:
    machine = make(hardware, HOT)
    machine.set_cap(set_point_w=250)
    machine.step(replace(IDLE, coolant_c=40))
    assert machine.step(replace(IDLE, dt_s=29)).share == 1
    assert machine.step(replace(IDLE, dt_s=2)).share == 0
    machine.note_faults(())
    assert machine.faults == ("the coolant's temperature is unknown",)
    assert machine.step(replace(IDLE, coolant_c=40)).share == 1
    machine.note_faults(())
    assert machine.faults == ()


def test_faults_are_told_once_and_when_they_end(hardware: Hardware) -> None:
    machine = make(hardware)
    notices = listen(machine)
    machine.note_faults(("a", "a"))
    machine.note_faults(("a", "b"))
    machine.note_faults(("b",))
    assert [(notice.happening, notice.text) for notice in notices] == [
        (Happening.FAULT, "a"),
        (Happening.FAULT, "b"),
        (Happening.FAULT_ENDED, "a"),
    ]
