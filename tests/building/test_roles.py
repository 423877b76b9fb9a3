"""Roles suggested from names and units."""

import pytest

from custom_components.compute_heater.building.points import PointKind, Role
from custom_components.compute_heater.building.roles import suggest_role

ANALOG = [
    ("Vorlauf", "°C", Role.SUPPLY_TEMPERATURE),
    ("HK1 VL Temp", "°C", Role.SUPPLY_TEMPERATURE),
    ("Heizkreis_Vorlauftemperatur", "°C", Role.SUPPLY_TEMPERATURE),
    ("Supply temperature", "°C", Role.SUPPLY_TEMPERATURE),
    ("Flow temp. heat pump", "°C", Role.SUPPLY_TEMPERATURE),
    ("Flow temperature", None, Role.SUPPLY_TEMPERATURE),
    ("Wärmepumpe Vorlauf", "°F", Role.SUPPLY_TEMPERATURE),
    ("Rücklauf", "°C", Role.RETURN_TEMPERATURE),
    ("Ruecklauftemp", "°C", Role.RETURN_TEMPERATURE),
    ("T_RL", "°C", Role.RETURN_TEMPERATURE),
    ("Return water", "°C", Role.RETURN_TEMPERATURE),
    ("TWW oben °C", "°C", Role.DHW_TEMPERATURE),
    ("WW", "°C", Role.DHW_TEMPERATURE),
    ("Warmwassertemperatur", None, Role.DHW_TEMPERATURE),
    ("Trinkwasserspeicher unten", "°C", Role.DHW_TEMPERATURE),
    ("Boiler oben", "°C", Role.DHW_TEMPERATURE),
    ("DHW tank top", "°C", Role.DHW_TEMPERATURE),
    ("Domestic hot water", "°C", Role.DHW_TEMPERATURE),
    ("Sollwert Warmwasser", "°C", Role.DHW_SETPOINT),
    ("TWW-Soll", "°C", Role.DHW_SETPOINT),
    ("DHW setpoint", "°C", Role.DHW_SETPOINT),
    ("Puffer Mitte", "°C", Role.BUFFER_TEMPERATURE),
    ("PS oben", "°C", Role.BUFFER_TEMPERATURE),
    ("Buffer top", "°C", Role.BUFFER_TEMPERATURE),
    ("Aussentemperatur", "°C", Role.OUTDOOR_TEMPERATURE),
    ("Außenluft", "°C", Role.OUTDOOR_TEMPERATURE),
    ("AT", "°C", Role.OUTDOOR_TEMPERATURE),
    ("Outside air temperature", "°C", Role.OUTDOOR_TEMPERATURE),
    ("Raum EG", "°C", Role.ROOM_TEMPERATURE),
    ("Room 12", "°C", Role.ROOM_TEMPERATURE),
    ("Vorlauf Sollwert", "°C", Role.HEATING_SETPOINT),
    ("Sollwert", "°C", Role.HEATING_SETPOINT),
    ("Target flow temperature", "°C", Role.HEATING_SETPOINT),
    ("HK1 flow set", "°C", Role.HEATING_SETPOINT),
    ("Temperaturanforderung Heizkreis", "°C", Role.HEATING_SETPOINT),
    ("Anforderung", "%", Role.HEAT_DEMAND),
    ("Wärmebedarf", "kW", Role.HEAT_DEMAND),
    ("Heat demand", "%", Role.HEAT_DEMAND),
    ("Power request", "kW", Role.HEAT_DEMAND),
    ("Durchfluss", "L/min", Role.FLOW),
    ("Volumenstrom", None, Role.FLOW),
    ("V1", "m³/h", Role.FLOW),
    ("Flow rate", None, Role.FLOW),
    ("Wärmemenge", "kWh", Role.HEAT_ENERGY),
    ("Heat energy total", "MWh", Role.HEAT_ENERGY),
    ("Stromverbrauch", "kWh", Role.ELECTRICAL_ENERGY),
    ("Electrical energy", "kWh", Role.ELECTRICAL_ENERGY),
    ("Heizleistung", "kW", Role.HEAT_POWER),
    ("Leistung", "kW", Role.HEAT_POWER),
    ("Thermal power", "kW", Role.HEAT_POWER),
    ("Wärmestrom", "kW", Role.HEAT_POWER),
    ("Leistungsaufnahme Verdichter", "kW", Role.ELECTRICAL_POWER),
    ("Heat pump power input", "W", Role.ELECTRICAL_POWER),
    ("P EL", "W", Role.ELECTRICAL_POWER),
    ("Mischer HK1", "%", Role.VALVE),
    ("Valve position", "%", Role.VALVE),
    ("Ladepumpe", "%", Role.PUMP),
    ("SG Ready", None, Role.SMART_GRID),
    ("Betriebsart", None, Role.OPERATING_MODE),
]
NOTHING = [
    ("Temperature at the wall", "°C"),
    ("Zuluft", "°C"),
    ("Supply air temperature", "°C"),
    ("Kaltwasser Vorlauf", "°C"),
    ("Vorlauf Maximum", "°C"),
    ("VL max", "°C"),
    ("Spreizung Vorlauf Rücklauf", "K"),
    ("Raum Sollwert", "°C"),
    ("Rücklauf Soll", "°C"),
    ("Feuchte Raum", "%"),
    ("PV power", "kW"),
    ("Kälteleistung", "kW"),
    ("Energie", "kWh"),
    ("Betriebsstunden Pumpe", "h"),
    ("Heizkurve Steilheit", None),
    ("Gas", "m³/h"),
    ("AI 17", "°C"),
    ("", "°C"),
    ("", None),
]
BINARY = [
    ("Störung", False, Role.FAULT),
    ("Sammelstörung Pumpe", False, Role.FAULT),
    ("General alarm", False, Role.FAULT),
    ("Störung quittieren", True, None),
    ("Fault reset", True, None),
    ("Freigabe", True, Role.RELEASE),
    ("Enable heating", True, Role.RELEASE),
    ("Freigabe Kälte", True, None),
    ("Zirkulationspumpe", False, Role.PUMP),
    ("Charging pump", True, Role.PUMP),
    ("Wärmepumpe läuft", False, None),
    ("Heat pump running", False, None),
    ("Umschaltventil", True, Role.VALVE),
    ("Anforderung Wärme", False, Role.HEAT_DEMAND),
    ("Heat request", False, Role.HEAT_DEMAND),
    ("SG Ready input 1", True, Role.SMART_GRID),
    ("Fensterkontakt", False, None),
]
MULTISTATE = [
    ("Betriebsart Heizkreis", Role.OPERATING_MODE),
    ("Operating mode", Role.OPERATING_MODE),
    ("HK1 Modus", Role.OPERATING_MODE),
    ("Smart Grid", Role.SMART_GRID),
    ("Betriebsart Lüftung", None),
    ("Stufe", None),
]


@pytest.mark.parametrize(
    ("name", "unit", "role"), [*ANALOG, *((*one, None) for one in NOTHING)]
)
def test_analog(name: str, unit: str | None, role: Role | None) -> None:
    assert suggest_role(name, None, unit, PointKind.ANALOG, False) is role


@pytest.mark.parametrize(("name", "writable", "role"), BINARY)
def test_binary(name: str, writable: bool, role: Role | None) -> None:
    assert suggest_role(name, None, None, PointKind.BINARY, writable) is role


@pytest.mark.parametrize(("name", "role"), MULTISTATE)
def test_multistate(name: str, role: Role | None) -> None:
    assert suggest_role(name, None, None, PointKind.MULTISTATE, True) is role


def test_description_helps_where_the_name_says_nothing() -> None:
    args = ("°C", PointKind.ANALOG, False)
    assert suggest_role("B21", "Rücklauf Heizkreis", *args) is Role.RETURN_TEMPERATURE
    assert suggest_role("Vorlauf", "Rücklauf", *args) is Role.SUPPLY_TEMPERATURE
    assert suggest_role("B21", "Fühler", *args) is None
