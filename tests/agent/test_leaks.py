"""The leak detector of the simulated rack."""

from compute_heater_agent.settings import RackSettings
from compute_heater_agent.simulated import Rack

from .client import METRICS, open_heater
from .test_events import next_event

TANK = "/redfish/v1/ThermalEquipment/ImmersionUnits/Tank"
DETECTION = f"{TANK}/LeakDetection"
DETECTOR = f"{DETECTION}/LeakDetectors/Bath"


async def test_a_leak_shows_everywhere_and_is_told() -> None:
    rack = Rack(RackSettings())
    async with open_heater(stepped=rack) as client:
        assert (await client.get(DETECTOR)).body["DetectorState"] == "OK"
        await client.get(METRICS)
        async with client.stream() as stream:
            rack.tell_leak(leaking=True)
            rack.tell_leak(leaking=True)
            _, told = await next_event(stream)
            assert told["MessageId"] == "Environmental.1.4.LeakDetectedCritical"
            assert told["OriginOfCondition"] == {"@odata.id": DETECTOR}
            detection = (await client.get(DETECTION)).body
            [group] = detection["LeakDetectorGroups"]
            assert group["Detectors"][0]["DetectorState"] == "Critical"
            assert detection["Status"]["Health"] == "Critical"
            unit = (await client.get(TANK)).body
            assert unit["LeakDetection"] == {"@odata.id": DETECTION}
            [condition] = unit["Status"]["Conditions"]
            assert condition["MessageId"] == told["MessageId"]
            assert unit["Status"]["Health"] == "Critical"
            rack.tell_leak(leaking=False)
            _, told = await next_event(stream)
            assert told["MessageId"] == "Environmental.1.4.LeakDetectedNormal"
        assert (await client.get(DETECTOR)).body["DetectorState"] == "OK"
        assert (await client.get(TANK)).body["Status"] == {
            "State": "Enabled",
            "Health": "OK",
        }
