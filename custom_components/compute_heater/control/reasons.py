"""Why control does what it does, as stable keys that the UI shows translated."""

from enum import StrEnum


class Reason(StrEnum):
    """One cause of a decision; the value is the translation key and never changes."""

    # What is wanted
    NO_DEMAND = "no_demand"
    DHW_DEMAND = "dhw_demand"
    FLOOR_DEMAND = "floor_demand"
    BUFFER_DEMAND = "buffer_demand"
    POOL_DEMAND = "pool_demand"
    HEAT_CURVE = "heat_curve"
    """The supply of a floor is as warm as its heat curve allows."""
    DISINFECTION = "disinfection"
    """A hot-water tank is heated against germs."""
    BUILDING_DEMAND = "building_demand"
    FOLLOWING_DEMAND = "following_demand"
    """Dispatch follows the heat target; the sinks say whose demand it is."""
    # What people and the building set
    STRATEGY_OFF = "strategy_off"
    CLIMATE_OFF = "climate_off"
    MANUAL_STATE = "manual_state"
    HOLDING_SETPOINT = "holding_setpoint"
    COMPUTE_OFF = "compute_off"
    POWER_LIMIT = "power_limit"
    SUPPLY_LIMIT = "supply_limit"
    """The supply is at the upper limit that its target means in auto."""
    UNATTENDED = "unattended"
    """No more than the consumers can take if we are gone."""
    # Dispatch
    MINIMUM_ON_TIME = "minimum_on_time"
    MINIMUM_OFF_TIME = "minimum_off_time"
    LEVEL_DWELL = "level_dwell"
    ALTERNATING = "alternating"
    """Between two levels; the heater alternates so that the average is right."""
    FULLY_USED = "fully_used"
    """More heat is wanted than all heaters in auto can give."""
    # The path of the heat
    PATH_OPENING = "path_opening"
    FLOW_NOT_PROVEN = "flow_not_proven"
    FLOW_LOST = "flow_lost"
    NO_SINK = "no_sink"
    """A heater runs by hand, but no consumer can take its heat."""
    COOLING_DOWN = "cooling_down"
    """Pump overrun after the heat demand has ended."""
    RESIDUAL_HEAT = "residual_heat"
    """Nobody wants heat, yet the coolant is warm and a sink can take it."""
    # Safety
    OVER_TEMPERATURE = "over_temperature"
    THROTTLED_BY_TEMPERATURE = "throttled_by_temperature"
    DEVICE_OVERHEATING = "device_overheating"
    TANK_OVER_TEMPERATURE = "tank_over_temperature"
    STALE_SENSOR = "stale_sensor"
    HEATER_UNAVAILABLE = "heater_unavailable"
    LEAK = "leak"
