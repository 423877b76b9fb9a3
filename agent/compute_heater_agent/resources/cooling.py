"""The oil bath as an immersion unit, and its two coolant connectors.

In Redfish *supply* is the coolant that comes in cold and *return* what leaves hot, as
seen from the equipment that is cooled. So the house's return (cold) is the primary
supply here, and the heating supply (hot) is the primary return.
"""

from ..bath import OIL_KG_PER_L, OIL_KJ_PER_KG_K, WATER_KG_PER_L, WATER_KJ_PER_KG_K
from ..heater import MANUFACTURER, MODEL, Heater
from ..messages import Json
from ..resource import ROOT, Resource, collection, entity, link, number
from .chassis import RACK, TANK, status
from .sensors import SENSORS

EQUIPMENT = f"{ROOT}/ThermalEquipment"
UNITS = f"{EQUIPMENT}/ImmersionUnits"
PRIMARY = f"{TANK}/PrimaryCoolantConnectors"
SECONDARY = f"{TANK}/SecondaryCoolantConnectors"

_WATER = {
    "CoolantType": "Water",
    "SpecificHeatkJoulesPerKgK": WATER_KJ_PER_KG_K,
    "DensityKgPerCubicMeter": number(WATER_KG_PER_L * 1000),
}
_OIL = {
    "CoolantType": "Hydrocarbon",
    "AdditiveName": "White oil",
    "SpecificHeatkJoulesPerKgK": OIL_KJ_PER_KG_K,
    "DensityKgPerCubicMeter": number(OIL_KG_PER_L * 1000),
}


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the thermal equipment and all below it."""
    rack = heater.rack
    bath = rack.bath

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
        return entity(
            TANK,
            "CoolingUnit",
            "Tank",
            "Oil bath with plate heat exchanger",
            EquipmentType="ImmersionUnit",
            Manufacturer=MANUFACTURER,
            Model=MODEL,
            SerialNumber=heater.serial_number("Tank"),
            CoolingCapacityWatts=round(rack.settings.max_w),
            Coolant=_OIL,
            Status=status(rack),
            PrimaryCoolantConnectors=link(PRIMARY),
            SecondaryCoolantConnectors=link(SECONDARY),
            Links={
                "Chassis": [link(RACK)],
                "ManagedBy": [link(f"{ROOT}/Managers/Agent")],
            },
        )

    def show_primary() -> Json:
        return _connector(
            f"{PRIMARY}/1",
            "Heating water of the house",
            _WATER,
            flow_lpm=bath.flow_lpm,
            cold_c=bath.return_c,
            hot_c=bath.supply_c,
            heat_w=bath.heat_w,
        )

    def show_secondary() -> Json:
        return _connector(
            f"{SECONDARY}/1",
            "Oil between bath and heat exchanger",
            _OIL,
            flow_lpm=bath.oil_flow_lpm,
            cold_c=bath.oil_cold_c,
            hot_c=bath.oil_c,
            heat_w=bath.heat_w,
        )

    def connectors(path: str, name: str) -> Resource:
        return Resource(
            get=lambda: collection(path, "CoolantConnectorCollection", name, ["1"])
        )

    return {
        EQUIPMENT: Resource(get=show_equipment),
        UNITS: Resource(
            get=lambda: collection(
                UNITS, "CoolingUnitCollection", "Immersion units", ["Tank"]
            )
        ),
        TANK: Resource(get=show_tank),
        PRIMARY: connectors(PRIMARY, "House side"),
        f"{PRIMARY}/1": Resource(get=show_primary),
        SECONDARY: connectors(SECONDARY, "Oil side"),
        f"{SECONDARY}/1": Resource(get=show_secondary),
    }


def _connector(
    path: str,
    name: str,
    coolant: Json,
    *,
    flow_lpm: float,
    cold_c: float,
    hot_c: float,
    heat_w: float,
) -> Json:
    heat: Json = {"Reading": number(heat_w / 1000, 4)}
    if path.startswith(PRIMARY):
        heat["DataSourceUri"] = f"{SENSORS}/HeatPower"
    return entity(
        path,
        "CoolantConnector",
        "1",
        name,
        CoolantConnectorType="Pair",
        Coolant=coolant,
        FlowLitersPerMinute={"Reading": number(flow_lpm)},
        SupplyTemperatureCelsius={"Reading": number(cold_c)},
        ReturnTemperatureCelsius={"Reading": number(hot_c)},
        DeltaTemperatureCelsius={"Reading": number(hot_c - cold_c)},
        HeatRemovedkW=heat,
        Status={"State": "Enabled", "Health": "OK"},
    )
