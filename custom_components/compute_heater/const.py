"""Names shared by the files of the integration."""

from datetime import timedelta
import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "compute_heater"
LOGGER = logging.getLogger(__package__)

PLATFORMS: Final = [
    Platform.BINARY_SENSOR,
    Platform.CALENDAR,
    Platform.CLIMATE,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.WATER_HEATER,
]

SUBENTRY_HEATER: Final = "heater"
SUBENTRY_SINK: Final = "sink"
SUBENTRY_BACNET: Final = "bacnet"
SUBENTRY_MODBUS: Final = "modbus"
SUBENTRY_BACKUP: Final = "backup"
SUBENTRY_BRIDGE: Final = "bridge"
SUBENTRY_GATEWAY: Final = "gateway"

# Heater
CONF_ALARM: Final = "alarm"
CONF_CAN_POWER_DOWN: Final = "can_power_down"
CONF_CAPABILITIES: Final = "capabilities"
CONF_COOLANT: Final = "coolant"
CONF_CUTS_MAINS: Final = "cuts_mains"
CONF_DRIVER: Final = "driver"
CONF_ECO_POWER: Final = "eco_power"
CONF_ENERGY: Final = "energy"
CONF_ENTITIES: Final = "entities"
CONF_FINGERPRINT: Final = "fingerprint"
CONF_FLOW: Final = "flow"
CONF_FULL_POWER: Final = "full_power"
CONF_IDENTITY: Final = "identity"
CONF_LIMITER_CONFIRMED: Final = "limiter_confirmed"
CONF_LOAD_THRESHOLD: Final = "load_threshold"
CONF_MEASUREMENTS: Final = "measurements"
CONF_MIN_OFF_TIME: Final = "min_off_time"
CONF_MIN_ON_TIME: Final = "min_on_time"
CONF_MODE_SELECT: Final = "mode_select"
CONF_MODES: Final = "modes"
CONF_NODE_FULL_POWER: Final = "node_full_power"
CONF_NODE_IDLE_POWER: Final = "node_idle_power"
CONF_NODES: Final = "nodes"
CONF_OFF_POWERS_DOWN: Final = "off_powers_down"
CONF_OUTLETS: Final = "outlets"
CONF_PARTITION: Final = "partition"
CONF_PAUSES_WITHOUT_US: Final = "pauses_without_us"
CONF_POWER: Final = "power"
CONF_POWER_LIMIT: Final = "power_limit"
CONF_POWER_SWITCH: Final = "power_switch"
CONF_RAMP: Final = "ramp"
CONF_RATED_POWER: Final = "rated_power"
CONF_RETURN: Final = "return"
CONF_RETURNS_WITHOUT_US: Final = "returns_without_us"
CONF_RUNNING_JOBS: Final = "running_jobs"
CONF_SITE: Final = "site"
CONF_STANDBY_POWER: Final = "standby_power"
CONF_SUPPLY: Final = "supply"
CONF_SWITCH_TIME: Final = "switch_time"
CONF_SWITCHING: Final = "switching"
CONF_THROTTLE_TEMPERATURE: Final = "throttle_temperature"
CONF_TRIP_TEMPERATURE: Final = "trip_temperature"
CONF_UNATTENDED_POWER: Final = "unattended_power"
CONF_UNLOAD_TIME: Final = "unload_time"
CONF_WORK: Final = "work"

DRIVER_BOINC: Final = "boinc"
DRIVER_COMPOSED: Final = "composed"
DRIVER_SLURM: Final = "slurm"

# Heat consumer
CONF_COMFORT_MINIMUM: Final = "comfort_minimum"
CONF_CURVE_BASE: Final = "curve_base"
CONF_CURVE_SLOPE: Final = "curve_slope"
CONF_DEMAND_ADDS: Final = "demand_adds"
CONF_DEMAND_ENTITY: Final = "demand_entity"
CONF_DISINFECTION: Final = "disinfection"
CONF_ENABLED: Final = "enabled"
CONF_EVERY_DAYS: Final = "every_days"
CONF_FLOW_ENTITY: Final = "flow_entity"
CONF_HEAT_CURVE: Final = "heat_curve"
CONF_HOLD_TIME: Final = "hold_time"
CONF_HYSTERESIS: Final = "hysteresis"
CONF_KIND: Final = "kind"
CONF_LIMIT_TEMPERATURE: Final = "limit_temperature"
CONF_MAX_HEAT_POWER: Final = "max_heat_power"
CONF_OUTDOOR_ENTITY: Final = "outdoor_entity"
CONF_OVERRUN_TIME: Final = "overrun_time"
CONF_PATH: Final = "path"
CONF_PUMP_ENTITY: Final = "pump_entity"
CONF_SECOND_TEMPERATURE_ENTITY: Final = "second_temperature_entity"
CONF_SUPPLY_TEMPERATURE_ENTITY: Final = "supply_temperature_entity"
CONF_TARGET_TEMPERATURE: Final = "target_temperature"
CONF_TEMPERATURE: Final = "temperature"
CONF_TEMPERATURE_ENTITY: Final = "temperature_entity"
CONF_VALVE_ENTITY: Final = "valve_entity"
CONF_VALVE_POSITION: Final = "valve_position"
CONF_VALVE_TRAVEL_TIME: Final = "valve_travel_time"
CONF_VOLUME: Final = "volume"
CONF_WINDOW_END: Final = "window_end"
CONF_WINDOW_START: Final = "window_start"

# Backup
CONF_CONSUMERS: Final = "consumers"
CONF_COP: Final = "cop"
CONF_COP_PER_K: Final = "cop_per_k"
CONF_EFFICIENCY: Final = "efficiency"
CONF_FUEL_PRICE: Final = "fuel_price"
CONF_HEAT_ENTITY: Final = "heat_entity"
CONF_MAX_TEMPERATURE: Final = "max_temperature"
CONF_MAY_SWITCH_OFF: Final = "may_switch_off"
CONF_REQUEST: Final = "request"
CONF_REST_TEMPERATURE: Final = "rest_temperature"
CONF_SETPOINT_ENTITY: Final = "setpoint_entity"
CONF_SWITCH_ENTITY: Final = "switch_entity"
CONF_WANTED_TEMPERATURE: Final = "wanted_temperature"

# Bridge
CONF_BROKEN_BELOW: Final = "broken_below"
CONF_DEAD_BAND: Final = "dead_band"
CONF_ECO_FROM: Final = "eco_from"
CONF_FACTOR: Final = "factor"
CONF_FALLBACK: Final = "fallback"
CONF_FIRST_CONTACT: Final = "first_contact"
CONF_FULL_FROM: Final = "full_from"
CONF_HEATERS: Final = "heaters"
CONF_MIN_INTERVAL: Final = "min_interval"
CONF_ON_FROM: Final = "on_from"
CONF_RECOMMENDED_STATE: Final = "recommended_state"
CONF_REPORTS_WITHIN: Final = "reports_within"
CONF_SECOND_CONTACT: Final = "second_contact"
CONF_SG_STATES: Final = "sg_states"
CONF_SIGNAL: Final = "signal"
CONF_SIGNAL_FULL: Final = "signal_full"
CONF_SIGNAL_ZERO: Final = "signal_zero"
CONF_SILENCE: Final = "silence"
CONF_SOURCE_ENTITY: Final = "source_entity"
CONF_STATE: Final = "state"
CONF_STATE_VALUES: Final = "state_values"
CONF_TABLE: Final = "table"
CONF_TARGET_ENTITY: Final = "target_entity"
CONF_VALUE: Final = "value"

# Forecasts and prices of a site
CONF_COMPUTE: Final = "compute"
CONF_DUMP: Final = "dump"
CONF_DUMP_ENTITY: Final = "dump_entity"
CONF_DUMP_POWER: Final = "dump_power"
CONF_DUMP_PRICE: Final = "dump_price"
CONF_END: Final = "end"
CONF_FEED_IN: Final = "feed_in"
CONF_FEED_IN_ENTITY: Final = "feed_in_entity"
CONF_GRID_LIMIT_ENTITY: Final = "grid_limit_entity"
CONF_GRID_POWER_ENTITY: Final = "grid_power_entity"
CONF_INCOME: Final = "income"
CONF_INCOME_ENTITY: Final = "income_entity"
CONF_OWN_ELECTRICITY: Final = "own_electricity"
CONF_PERSONS: Final = "persons"
CONF_PRICE: Final = "price"
CONF_PRICE_ENTITIES: Final = "price_entities"
CONF_PRICE_WINDOWS: Final = "price_windows"
CONF_PRICES: Final = "prices"
CONF_PV_FORECASTS: Final = "pv_forecasts"
CONF_PV_POWER_ENTITY: Final = "pv_power_entity"
CONF_START: Final = "start"
CONF_SURCHARGE: Final = "surcharge"
CONF_TAX: Final = "tax"
CONF_WEATHER: Final = "weather"
CONF_WEATHER_ENTITY: Final = "weather_entity"
CONF_WEEKDAYS: Final = "weekdays"

# Building links
CONF_BBMD: Final = "bbmd"
CONF_BBMD_TTL: Final = "bbmd_ttl"
CONF_DEVICE_INSTANCE: Final = "device_instance"
CONF_INTERFACE: Final = "interface"
CONF_LOCAL_PORT: Final = "local_port"
CONF_PARAMETERS: Final = "parameters"
CONF_POINT: Final = "point"
CONF_POINTS: Final = "points"
CONF_PROFILE: Final = "profile"
CONF_READ: Final = "read"
CONF_UNIT_ID: Final = "unit_id"
CONF_WRITE: Final = "write"

# Gateway
CONF_CERTIFICATE: Final = "certificate"
CONF_CLIENT_CA: Final = "client_ca"
CONF_COMMANDS: Final = "commands"
CONF_PEERS: Final = "peers"
CONF_PRIORITY: Final = "priority"
CONF_PRIVATE_KEY: Final = "private_key"
CONF_ROLES: Final = "roles"
CONF_TLS: Final = "tls"
CONF_UNDERSTOOD: Final = "understood"
CONF_WATCHDOG: Final = "watchdog"

GATEWAY_BACNET: Final = "bacnet"
GATEWAY_MODBUS: Final = "modbus"

# Control is re-evaluated at every change and at least this often.
TICK_INTERVAL: Final = timedelta(seconds=5)
SAVE_INTERVAL: Final = timedelta(seconds=60)
LINK_INTERVAL: Final = timedelta(seconds=5)

# A heater is polled no faster than the first and no slower than the second;
# between them ten times as long as a poll takes, for BMCs are slow.
HEATER_INTERVAL_SHORTEST: Final = timedelta(seconds=5)
HEATER_INTERVAL_LONGEST: Final = timedelta(seconds=30)
# Where a site has many they take turns, together no more often than this.
HEATER_INTERVAL_EACH: Final = timedelta(seconds=0.3)
