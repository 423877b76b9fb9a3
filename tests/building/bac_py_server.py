"""An independent BACnet controller: python -m tests.building.bac_py_server PORT.

A process of its own, for bac-py leaves timers behind.
"""

import asyncio
import sys

from bac_py import BACnetApplication, DefaultServerHandlers, DeviceConfig, DeviceObject
from bac_py.objects.analog import (
    AnalogInputObject,
    AnalogOutputObject,
    AnalogValueObject,
)
from bac_py.objects.binary import BinaryValueObject
from bac_py.objects.multistate import MultiStateValueObject
from bac_py.types.enums import EngineeringUnits


async def serve(port: int) -> None:
    config = DeviceConfig(
        instance_number=4001,
        name="bac-py",
        vendor_name="peer",
        vendor_id=999,
        interface="127.0.0.1",
        port=port,
        broadcast_address="127.255.255.255",
    )
    own = DeviceObject(
        instance_number=4001,
        object_name="bac-py",
        vendor_name="peer",
        vendor_identifier=999,
    )
    objects = (
        own,
        AnalogInputObject(
            instance_number=1,
            object_name="Warmwasser °C",
            units=EngineeringUnits.DEGREES_CELSIUS,
            present_value=51.5,
        ),
        AnalogOutputObject(
            instance_number=1,
            object_name="valve",
            units=EngineeringUnits.PERCENT,
            present_value=0.0,
        ),
        AnalogValueObject(
            instance_number=1,
            object_name="power",
            units=EngineeringUnits.WATTS,
            present_value=100.0,
            commandable=True,
        ),
        AnalogValueObject(
            instance_number=2,
            object_name="plain",
            units=EngineeringUnits.WATTS,
            present_value=5.0,
        ),
        BinaryValueObject(instance_number=1, object_name="on", commandable=True),
        MultiStateValueObject(
            instance_number=1, object_name="level", number_of_states=4, commandable=True
        ),
    )
    async with BACnetApplication(config) as app:
        for one in objects:
            app.object_db.add(one)
        DefaultServerHandlers(app, app.object_db, own).register()
        sys.stdout.write("READY\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
