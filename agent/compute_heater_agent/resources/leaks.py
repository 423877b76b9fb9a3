"""The leak detector below the bath."""

from ..heater import Heater
from ..messages import Json
from ..resource import Resource, collection, entity, link
from .health import LEAK_DETECTOR, LEAKS

DETECTORS = f"{LEAKS}/LeakDetectors"


def resources(heater: Heater) -> dict[str, Resource]:
    """Return leak detection with its one detector; nothing where there is none."""
    machine = heater.machine
    if not machine.has_leak_detector:
        return {}

    def state() -> str:
        return "Critical" if machine.leaking else "OK"

    def show_detection() -> Json:
        return entity(
            LEAKS,
            "LeakDetection",
            "LeakDetection",
            "Leak detection",
            Status={"State": "Enabled", "Health": state()},
            LeakDetectorGroups=[
                {
                    "GroupName": "Below the bath",
                    "Detectors": [
                        {"DataSourceUri": LEAK_DETECTOR, "DetectorState": state()}
                    ],
                    "Status": {"State": "Enabled", "Health": state()},
                }
            ],
            LeakDetectors=link(DETECTORS),
        )

    def show_detector() -> Json:
        return entity(
            LEAK_DETECTOR,
            "LeakDetector",
            "Bath",
            "Leak detector below the bath",
            LeakDetectorType="Moisture",
            DetectorState=state(),
            PhysicalContext="CoolingSubsystem",
            Status={"State": "Enabled", "Health": state()},
        )

    return {
        LEAKS: Resource(get=show_detection),
        DETECTORS: Resource(
            get=lambda: collection(
                DETECTORS, "LeakDetectorCollection", "Leak detectors", ["Bath"]
            )
        ),
        LEAK_DETECTOR: Resource(get=show_detector),
    }
