"""EMHASS in its own environment: JSON lines in, plans out. Imports nothing of ours.

A request: ``folder`` for its files, ``start``, ``step_min``, ``topology`` (EMHASS's
heat topology) and of each step ``price``, ``outdoor_c`` and ``ghi``; ``gap``,
``timeout_s``, and ``again``: how often to solve the same once more, warm.
"""

import asyncio
from copy import deepcopy
from functools import cache
from importlib import import_module
import json
import logging
from pathlib import Path
import sys
import time
from typing import Any

LONGEST_W = 20000
SELL_PER_KWH = 0.0


@cache
def settings(folder: Path, step_min: int) -> tuple[Any, Any, Any, Any]:
    """Return EMHASS's folders and its three dictionaries of settings: its defaults."""
    utils: Any = import_module("emhass.utils")
    logger = logging.getLogger("emhass")
    root = Path(utils.__file__).parent
    paths = {
        "root_path": root,
        "data_path": folder,
        "config_path": folder / "config.json",
        "defaults_path": root / "data" / "config_defaults.json",
        "associations_path": root / "data" / "associations.csv",
    }

    async def build() -> object:
        config = await utils.build_config(paths, logger, paths["defaults_path"])
        config["optimization_time_step"] = step_min
        _, secrets = await utils.build_secrets(paths, logger)
        secrets["time_zone"] = "UTC"
        return await utils.build_params(paths, secrets, config, logger)

    parameters = json.dumps(asyncio.run(build()), default=str)
    retrieve, optim, plant = utils.get_yaml_parse(parameters, logger)
    return paths, retrieve, optim, plant


def solve(request: dict[str, Any]) -> dict[str, Any]:
    """Return powers and temperatures of each load, and the time it took."""
    pandas: Any = import_module("pandas")
    utils: Any = import_module("emhass.utils")
    optimization: Any = import_module("emhass.optimization")
    paths, retrieve, optim, plant = deepcopy(
        settings(Path(request["folder"]), request["step_min"])
    )
    steps = len(request["price"])
    step = pandas.Timedelta(minutes=request["step_min"])
    index = pandas.date_range(request["start"], periods=steps, freq=step)
    frame = pandas.DataFrame(index=index)
    frame["unit_load_cost"] = request["price"]
    frame["unit_prod_price"] = SELL_PER_KWH
    frame["outdoor_temperature_forecast"] = request["outdoor_c"]
    frame["temp_air"] = request["outdoor_c"]
    frame["ghi"] = request["ghi"]
    nothing = pandas.Series([0.0] * steps, index=index)

    begin = time.perf_counter()
    optim.update(utils.compile_heat_topology(request["topology"]))
    optim["delta_forecast_daily"] = steps * step
    optim["lp_solver_timeout"] = request["timeout_s"]
    optim["lp_solver_mip_rel_gap"] = request["gap"]
    optim["num_threads"] = 1
    plant["maximum_power_from_grid"] = plant["maximum_power_to_grid"] = LONGEST_W
    optimizer = optimization.Optimization(
        retrieve,
        optim,
        plant,
        "unit_load_cost",
        "unit_prod_price",
        "cost",
        paths,
        logging.getLogger("emhass"),
        num_timesteps=steps,
    )

    def run() -> Any:
        return optimizer.perform_naive_mpc_optim(
            frame, nothing, nothing, steps, soc_init=0.5, soc_final=0.5
        )

    plan = run()
    cold_s = time.perf_counter() - begin
    warm_s = []
    for _ in range(request["again"]):
        begin = time.perf_counter()
        plan = run()
        warm_s.append(time.perf_counter() - begin)
    loads = range(optim["number_of_deferrable_loads"])
    return {
        "status": optimizer.optim_status,
        "power_w": [plan[f"P_deferrable{load}"].tolist() for load in loads],
        "temperature_c": [
            plan[f"predicted_temp_heater{load}"].tolist() for load in loads
        ],
        "cold_s": cold_s,
        "warm_s": warm_s,
    }


def main() -> None:
    """Answer until the input ends."""
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        try:
            answer = solve(json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent wants to know
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
