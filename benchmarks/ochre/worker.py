"""OCHRE's stratified tank in its own environment: JSON lines in, temperatures out.

Imports nothing of ours. The first request names ``litres``, ``loss_w_per_k``, ``start_c``,
``step_s``, ``days``, ``cold_c`` and ``ambient_c``; every other one ``heat_w`` of each node,
top first, and ``draw_lpm`` of tank water.
"""

from datetime import datetime, timedelta
from importlib import import_module
import json
import sys
from typing import Any

HEIGHT_M = 1.6
NODES = 12


def tank_of(request: dict[str, Any]) -> Any:
    """Return the model at its start."""
    pandas: Any = import_module("pandas")
    water: Any = import_module("ochre.Models.Water")
    step = timedelta(seconds=request["step_s"])
    start = datetime(2023, 1, 1)
    index = pandas.date_range(start, start + timedelta(days=request["days"]), freq=step)
    schedule = pandas.DataFrame(
        {
            "Dishwasher (L/min)": 0.0,
            "Mains Temperature (C)": request["cold_c"],
            "Zone Temperature (C)": request["ambient_c"],
        },
        index=index,
    )
    return water.StratifiedWaterModel(
        water_nodes=NODES,
        start_time=start,
        time_res=step,
        duration=timedelta(days=request["days"]),
        schedule=schedule,
        verbosity=0,
        save_results=False,
        initial_schedule=schedule.iloc[0].to_dict(),
        **{
            "Tank Volume (L)": request["litres"],
            "Tank Height (m)": HEIGHT_M,
            "UA (W/K)": request["loss_w_per_k"],
            "Initial Temperature (C)": request["start_c"],
        },
    )


def main() -> None:
    """Answer until the input ends."""
    numpy: Any = import_module("numpy")
    tank = tank_of(json.loads(sys.stdin.readline()))
    answer: dict[str, object] = {"layers_c": [float(each) for each in tank.states]}
    while True:
        print(json.dumps(answer), flush=True)
        if not (line := sys.stdin.readline()):
            return
        request = json.loads(line)
        # The one draw-off that OCHRE does not mix down to a temperature of its own.
        tank.update_inputs({"Dishwasher (L/min)": request["draw_lpm"]})
        tank.update_model(numpy.array(request["heat_w"]))
        tank.update_results()
        answer = {"layers_c": [float(each) for each in tank.states]}


if __name__ == "__main__":
    main()
