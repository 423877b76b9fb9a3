"""Water, units and the exchange of heat between two masses."""

import math

WATER_J_PER_L_K = 0.990 * 4180.0
"""Heat capacity of a litre of warm water (45 °C) in J/K."""
J_PER_KWH = 3.6e6


def exchanged_j(
    ua_w_per_k: float,
    first: tuple[float, float],
    second: tuple[float, float],
    dt_s: float,
) -> float:
    """Heat in J that flows from the first to the second mass within ``dt_s``.

    A mass is (temperature in °C, capacity in J/K). The exact solution for two masses,
    so it neither overshoots nor loses energy at any step width.
    """
    (first_c, first_j_per_k), (second_c, second_j_per_k) = first, second
    capacity = first_j_per_k * second_j_per_k / (first_j_per_k + second_j_per_k)
    return (first_c - second_c) * capacity * -math.expm1(-ua_w_per_k * dt_s / capacity)


def lost_j(
    ua_w_per_k: float, mass: tuple[float, float], ambient_c: float, dt_s: float
) -> float:
    """Heat in J that a mass (°C, J/K) loses to surroundings of constant temperature."""
    mass_c, capacity = mass
    return (mass_c - ambient_c) * capacity * -math.expm1(-ua_w_per_k * dt_s / capacity)


def flow_w_per_k(flow_lpm: float) -> float:
    """Heat capacity flow in W/K of a water flow in L/min."""
    return flow_lpm / 60 * WATER_J_PER_L_K


def effectiveness(ua_w_per_k: float, capacity_flow_w_per_k: float) -> float:
    """Effectiveness of a coil in a well-mixed store; 0 without flow."""
    if capacity_flow_w_per_k <= 0:
        return 0.0
    return -math.expm1(-ua_w_per_k / capacity_flow_w_per_k)
