"""Models that learn from what tank, floor and heaters do.

Every learner starts from a prior, what the owner knows, and says how far it is from it
by now. It is told everything that is measured, every few seconds, and learns once a
quarter of an hour. What it does not know it does not learn from.
"""

from .floor_learner import FloorLearner
from .heater_learner import HeaterLearner
from .tank_learner import TankLearner

__all__ = ["FloorLearner", "HeaterLearner", "TankLearner"]
