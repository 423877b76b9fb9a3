"""Photovoltaics on the roof."""

PERFORMANCE_RATIO = 0.85


def pv_power_w(peak_kw: float, irradiance_w_m2: float) -> float:
    """Power in W of a plant with ``peak_kw`` under the given sun."""
    return peak_kw * irradiance_w_m2 * PERFORMANCE_RATIO
