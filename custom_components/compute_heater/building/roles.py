"""Guesses what a point is in the plant from how it is called.

A guess is only a suggestion in a form: where names leave a doubt there is none.
"""

from collections.abc import Iterable
import re

from .points import PointKind, Role

_TEMPERATURE = {"°C", "°F"}
_POWER = {"W", "kW", "MW"}
_ENERGY = {"Wh", "kWh", "MWh", "J", "kJ", "MJ", "GJ"}
_FLOW = {"L/s", "L/min", "L/h", "m³/h", "m³/min", "m³/s", "gal/min"}

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_WORDS = re.compile(r"[A-ZÄÖÜ]+(?![a-zäöüß])|[A-ZÄÖÜ]?[a-zäöüß]+")
_SHOUTED = {"at", "ps", "sp", "el"}
"""Abbreviations that are ordinary words when written small."""
_REALLY = {
    "waermepumpe": "", "warmepumpe": "", "heat pump": "", "heatpump": "",
    "volumenstrom": "durchfluss", "massenstrom": "durchfluss",
    "waermestrom": "heizleistung",
}  # fmt: skip
"""What is meant by words that contain others of another meaning."""

# Parts of words, German compounds among them, and whole words.
_PARTS = {
    "supply": ("vorlauf", "supply", "flow temp", "leaving water"),
    "return": ("ruecklauf", "rucklauf", "return", "entering water"),
    "dhw": (
        "warmwasser", "trinkwasser", "brauchwasser", "hot water", "boiler", "cylinder",
    ),
    "buffer": ("puffer", "buffer", "speicher", "tank", "storage"),
    "outdoor": ("aussen", "outdoor", "outside", "ambient"),
    "room": ("raum", "room", "zimmer", "indoor"),
    "setpoint": ("soll", "setpoint", "set point", "target"),
    "demand": ("anforderung", "anford", "bedarf", "demand", "request", "abruf"),
    "release": ("freigabe", "enable", "release", "permission"),
    "fault": ("stoerung", "storung", "stoermeld", "fault", "alarm", "fehler", "error"),
    "quit": ("quitt", "reset", "acknowledge", "entriegel"),
    "pump": ("pump",),
    "valve": ("ventil", "valve", "mischer", "mixer", "mixing", "stellantrieb"),
    "mode": (
        "betriebsart", "betriebsmodus", "betriebswahl", "operating mode",
        "operation mode", "operating program",
    ),
    "grid": ("sg ready", "sgready", "smart grid", "smartgrid"),
    "flow": ("durchfluss", "volumenfluss", "flow"),
    "heat": ("waerme", "warme", "heat", "therm", "heiz"),
    "electric": (
        "elektr", "electr", "strom", "leistungsaufnahme", "power input", "consumption",
        "verdichter", "compressor",
    ),
    "power": ("leistung", "power"),
    "cold": ("kaelte", "kalt", "kuehl", "cool", "cold", "chill"),
    "air": ("zuluft", "abluft", "fortluft", "umluft", "lueft", "ventilation"),
    "other": ("solar", "feuchte", "humidity"),
    "derived": (
        "grenz", "limit", "minimum", "maximum", "hyster", "offset", "abweich", "kurve",
        "curve", "steilheit", "differenz", "difference", "spreiz", "spread", "delta",
        "verschieb", "absenk", "setback", "calibr", "laufzeit", "hours", "counter",
    ),
}  # fmt: skip
_WHOLE = {
    "supply": {"vl", "tvl", "vlt", "lwt"},
    "return": {"rl", "trl", "ewt"},
    "dhw": {"ww", "tww", "bww", "dhw"},
    "buffer": {"ps"},
    "outdoor": {"at", "oat"},
    "setpoint": {"sp", "set"},
    "electric": {"el", "pel"},
    "air": {"air", "rlt", "ahu"},
    "mode": {"mode", "modus"},
    "grid": {"sg"},
    "other": {"pv", "gas", "grid", "netz"},
    "derived": {"min", "max", "diff"},
    "quit": {"ack"},
}


def suggest_role(
    name: str,
    description: str | None,
    unit: str | None,
    kind: PointKind,
    writable: bool,
) -> Role | None:
    """Suggest a role by German or English names and the unit; None = no idea.

    ``writable`` tells whether the point can be written at all: what cannot be is no
    set point and no release to command.
    """
    texts = [name]
    if description:
        texts.append(f"{name} {description}")
    for text in texts:
        means = _meanings(text)
        match kind:
            case PointKind.BINARY:
                role = _binary(means, writable)
            case PointKind.MULTISTATE:
                role = _multistate(means)
            case _:
                role = _analog(means, unit)
        if role is not None:
            return role
    return None


def _meanings(text: str) -> set[str]:
    words = _WORDS.findall(text.replace("_", " "))
    whole = {
        word.lower() for word in words if word.lower() not in _SHOUTED or word.isupper()
    }
    joined = " ".join(words).lower().translate(_UMLAUTS)
    for phrase, meant in _REALLY.items():
        joined = joined.replace(phrase, meant)
    return {
        meaning
        for meaning in _PARTS
        if _any_in(_PARTS[meaning], joined) or whole & _WHOLE.get(meaning, set())
    }


def _any_in(parts: Iterable[str], text: str) -> bool:
    return any(part in text for part in parts)


def _binary(means: set[str], writable: bool) -> Role | None:
    if "quit" in means:
        return None
    if "fault" in means:
        return None if writable else Role.FAULT
    for meaning, role in (
        ("grid", Role.SMART_GRID),
        ("release", Role.RELEASE),
        ("pump", Role.PUMP),
        ("valve", Role.VALVE),
        ("demand", Role.HEAT_DEMAND),
    ):
        if meaning in means:
            return None if means & {"cold", "air"} else role
    return None


def _multistate(means: set[str]) -> Role | None:
    if "grid" in means:
        return Role.SMART_GRID
    if "mode" in means and not means & {"air", "cold"}:
        return Role.OPERATING_MODE
    return None


def _analog(means: set[str], unit: str | None) -> Role | None:
    if means & {"derived", "quit", "fault"}:
        return None
    if "outdoor" in means and (unit in _TEMPERATURE or unit is None):
        return None if "setpoint" in means else Role.OUTDOOR_TEMPERATURE
    if means & {"cold", "air", "other"}:
        return None
    if unit in _ENERGY:
        return _of_energy(means, Role.HEAT_ENERGY, Role.ELECTRICAL_ENERGY)
    if unit in _POWER:
        return _power(means)
    if unit in _FLOW:
        return None if means & {"setpoint", "demand"} else Role.FLOW
    if unit == "%":
        return _share(means)
    if unit in _TEMPERATURE:
        return _temperature(means)
    if unit is not None:
        return None
    if (role := _multistate(means)) is not None:
        return role
    if "flow" in means and "supply" not in means:
        return None if "setpoint" in means else Role.FLOW
    if means & {"supply", "return", "dhw", "buffer", "room"} and not means & {
        "pump", "valve", "demand", "release", "power",
    }:  # fmt: skip
        return _temperature(means)
    return None


def _of_energy(means: set[str], heat: Role, electrical: Role) -> Role | None:
    if "setpoint" in means:
        return None
    if "electric" in means:
        return electrical
    return heat if means & {"heat", "dhw", "buffer", "supply"} else None


def _power(means: set[str]) -> Role | None:
    if "demand" in means:
        return Role.HEAT_DEMAND
    role = _of_energy(means, Role.HEAT_POWER, Role.ELECTRICAL_POWER)
    if role is None and "power" in means and "setpoint" not in means:
        return Role.HEAT_POWER
    return role


def _share(means: set[str]) -> Role | None:
    for meaning, role in (
        ("demand", Role.HEAT_DEMAND),
        ("valve", Role.VALVE),
        ("pump", Role.PUMP),
    ):
        if meaning in means:
            return role
    return None


def _temperature(means: set[str]) -> Role | None:
    # What is demanded in degrees is a set point.
    is_setpoint = bool(means & {"setpoint", "demand"})
    if "room" in means:
        return None if is_setpoint else Role.ROOM_TEMPERATURE
    if "return" in means:
        return None if is_setpoint else Role.RETURN_TEMPERATURE
    if "supply" in means or "flow" in means:
        return Role.HEATING_SETPOINT if is_setpoint else Role.SUPPLY_TEMPERATURE
    if "dhw" in means:
        return Role.DHW_SETPOINT if is_setpoint else Role.DHW_TEMPERATURE
    if is_setpoint:
        return Role.HEATING_SETPOINT
    return Role.BUFFER_TEMPERATURE if "buffer" in means else None
