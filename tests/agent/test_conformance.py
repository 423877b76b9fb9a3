"""DMTF's own validators on the agent. They lie beside the repository, if at all."""

import asyncio
import os
from pathlib import Path
import re

import pytest

from compute_heater_agent.settings import RackSettings

from .client import PASSWORD, USER, Client, open_heater

VALIDATE = Path(__file__).parents[3] / "shared/interop/redfish/validate.sh"


async def validate(client: Client) -> list[tuple[int, int]]:
    """Run service and interop validator; return PASS and FAIL counts of each."""
    child = await asyncio.create_subprocess_exec(
        "bash",
        str(VALIDATE),
        client.agent.url,
        env=os.environ | {"RFUSER": USER, "RFPASS": PASSWORD, "PROFILE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output = (await child.communicate())[0].decode()
    rows = re.findall(r"\|\s+(\d+)\s+\|\s+\d+\s+\|\s+(\d+)\s+\|\s+\d+\s+\|", output)
    assert len(rows) == 2, output
    return [(int(passed), int(failed)) for passed, failed in rows]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    not os.environ.get("COMPUTE_HEATER_LONG"), reason="only with scripts/test --long"
)
@pytest.mark.skipif(not VALIDATE.exists(), reason="DMTF's validators are not here")
@pytest.mark.parametrize("trip_c", [65.0, 37.0, 33.0], ids=["normal", "hot", "tripped"])
async def test_dmtf_validators_find_no_fault(trip_c: float) -> None:
    rack = RackSettings(modules=4, trip_c=trip_c)
    async with open_heater(rack) as client, client.stream():
        await client.log_in()
        await client.reset(1, "ForceOff")
        (passed, failed), (profile_passed, profile_failed) = await validate(client)
    assert passed > 700
    assert profile_passed > 20
    assert (failed, profile_failed) == (0, 0)
