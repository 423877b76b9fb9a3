"""The energy dashboard, last: statistics appear at every full five minutes."""

from .plant import Plant, eventually


async def test_energy_dashboard_accepts_all(plant: Plant) -> None:
    """Home Assistant has nothing to say against what is configured."""
    preferences = await plant.client.command("energy/get_prefs")
    devices = preferences["device_consumption"]
    assert [device["stat_consumption"] for device in devices] == [
        plant.entity["energy"],
        plant.entity["backup_energy"],
    ]

    async def has_no_issues() -> bool:
        found = await plant.client.command("energy/validate")
        kinds = {
            issue["type"]
            for part in (*found["energy_sources"], *found["device_consumption"])
            for issue in part
        }
        # Anything but missing statistics will not go away by waiting.
        assert kinds <= {"statistics_not_defined"}
        return not kinds

    await eventually(has_no_issues, 330, "the energy dashboard accepts the sensors")
