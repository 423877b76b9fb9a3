"""The oil bath as an immersion unit, and its two coolant connectors.

In Redfish *supply* is the coolant that comes in cold and *return* what leaves hot, as
seen from the equipment that is cooled. So the house's return (cold) is the primary
supply here, and the heating supply (hot) is the primary return.
"""

from ..heater import Heater
from ..machine import Connector, Cooling, Machine, Substance
from ..messages import Json
from ..resource import (
    ROOT,
    Resource,
    collection,
    entity,
    link,
    number,
    optional_number,
    without_unknown,
)
from .health import LEAKS, RACK, TANK, status
from .sensors import SENSORS

EQUIPMENT = f"{ROOT}/ThermalEquipment"
UNITS = f"{EQUIPMENT}/ImmersionUnits"
PRIMARY = f"{TANK}/PrimaryCoolantConnectors"
SECONDARY = f"{TANK}/SecondaryCoolantConnectors"


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the thermal equipment and all below it; nothing where there is none."""
    machine = heater.machine
    if machine.cooling is None:
        return {}
    sides = {
        PRIMARY: ("House side", machine.cooling.house),
        SECONDARY: ("Inner side", machine.cooling.inside),
    }
    there = {path: name for path, (name, side) in sides.items() if side is not None}

    def show_equipment() -> Json:
        return entity(
            EQUIPMENT,
            "ThermalEquipment",
            "ThermalEquipment",
            "Cooling equipment",
            Status={"State": "Enabled", "Health": "OK"},
            ImmersionUnits=link(UNITS),
        )

    def show_tank() -> Json:
        now = _cooling(machine)
        what = machine.description
        coolant = {} if now.substance is None else {"Coolant": _coolant(now.substance)}
        return entity(
            TANK,
            "CoolingUnit",
            "Tank",
            now.name,
            EquipmentType="ImmersionUnit",
            **without_unknown(Manufacturer=what.manufacturer),
            Model=what.model,
            SerialNumber=heater.serial_number("Tank"),
            CoolingCapacityWatts=round(machine.power_range.max_w),
            **coolant,
            Status=status(machine),
            **{path.rpartition("/")[2]: link(path) for path in there},
            **({"LeakDetection": link(LEAKS)} if machine.has_leak_detector else {}),
            Links={
                "Chassis": [link(RACK)],
                "ManagedBy": [link(f"{ROOT}/Managers/Agent")],
            },
        )

    def show_primary() -> Json:
        shown = _connector(f"{PRIMARY}/1", _cooling(machine).house)
        if "HeatRemovedkW" in shown:
            shown["HeatRemovedkW"]["DataSourceUri"] = f"{SENSORS}/HeatPower"
        return shown

    def show_secondary() -> Json:
        return _connector(f"{SECONDARY}/1", _cooling(machine).inside)

    def connectors(path: str, name: str) -> Resource:
        return Resource(
            get=lambda: collection(path, "CoolantConnectorCollection", name, ["1"])
        )

    found = {
        EQUIPMENT: Resource(get=show_equipment),
        UNITS: Resource(
            get=lambda: collection(
                UNITS, "CoolingUnitCollection", "Immersion units", ["Tank"]
            )
        ),
        TANK: Resource(get=show_tank),
    }
    shows = {PRIMARY: show_primary, SECONDARY: show_secondary}
    for path, name in there.items():
        found[path] = connectors(path, name)
        found[f"{path}/1"] = Resource(get=shows[path])
    return found


def _cooling(machine: Machine) -> Cooling:
    cooling = machine.cooling
    assert cooling is not None
    return cooling


def _coolant(substance: Substance) -> Json:
    body: Json = {"CoolantType": substance.kind}
    if substance.additive is not None:
        body["AdditiveName"] = substance.additive
    if substance.kj_per_kg_k is not None:
        body["SpecificHeatkJoulesPerKgK"] = substance.kj_per_kg_k
    if substance.kg_per_l is not None:
        body["DensityKgPerCubicMeter"] = number(substance.kg_per_l * 1000)
    return body


def _connector(path: str, side: Connector | None) -> Json:
    assert side is not None
    body: Json = {}
    if side.substance is not None:
        body["Coolant"] = _coolant(side.substance)
    if side.flow_lpm is not None:
        body["FlowLitersPerMinute"] = {"Reading": number(side.flow_lpm)}
    body["SupplyTemperatureCelsius"] = {"Reading": optional_number(side.cold_c)}
    body["ReturnTemperatureCelsius"] = {"Reading": optional_number(side.hot_c)}
    if side.hot_c is not None and side.cold_c is not None:
        rise_k = number(side.hot_c - side.cold_c)
        body["DeltaTemperatureCelsius"] = {"Reading": rise_k}
    if side.heat_w is not None:
        body["HeatRemovedkW"] = {"Reading": number(side.heat_w / 1000, 4)}
    return entity(
        path,
        "CoolantConnector",
        "1",
        side.name,
        CoolantConnectorType="Pair",
        **body,
        Status={"State": "Enabled", "Health": "OK"},
    )
