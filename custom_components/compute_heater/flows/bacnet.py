"""Add or change a controller of the building that speaks BACnet/IP."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, override

import probatio

from homeassistant.config_entries import SOURCE_RECONFIGURE, SubentryFlowResult
from homeassistant.const import CONF_ADDRESS, CONF_DEVICE
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
)

from ..building.bacnet import BacnetDevice, BacnetIdentity
from ..building.bacnet_point import BacnetPoint
from ..building.bacnet_stack import BacnetStack
from ..building.ede import EdeList, parse_ede
from ..building.points import (
    LinkAddressError,
    LinkConnectionError,
    LinkError,
    PointConfigError,
)
from ..const import (
    CONF_BBMD,
    CONF_BBMD_TTL,
    CONF_DEVICE_INSTANCE,
    CONF_IDENTITY,
    CONF_INTERFACE,
    CONF_LOCAL_PORT,
    CONF_POINTS,
    LOGGER,
    SUBENTRY_BACNET,
)
from ..drivers import async_borrowed_stack
from .bacnet_candidates import offered_objects
from .bacnet_form import (
    CONF_FILE,
    CONF_HIGH,
    CONF_LOW,
    CONF_STATE_TEXTS,
    CONF_TEXT,
    SECTION_ADVANCED,
    SECTION_LOCAL,
    address_schema,
    full_address,
    search_schema,
    search_target,
)
from .bacnet_search import FoundDevice, async_identified, twins
from .bacnet_side import async_interfaces, local_side
from .link_errors import FormError
from .link_steps import LinkSteps
from .link_texts import LinkTexts
from .uploads import Uploads

_LOCAL_KEYS = (CONF_INTERFACE, CONF_LOCAL_PORT, CONF_BBMD, CONF_BBMD_TTL)
REGISTRATION_PATIENCE_S = 5.0


class BacnetSubentryFlow(LinkSteps[BacnetPoint]):
    """Find the device, browse it, and let the user tick its points."""

    def __init__(self) -> None:
        """Start with nothing known."""
        super().__init__()
        self._uploads = Uploads()
        self._connection: dict[str, Any] = {}
        self._identity: BacnetIdentity | None = None
        self._devices: dict[str, FoundDevice] = {}

    @property
    @override
    def _link_name(self) -> str:
        assert self._identity is not None
        return self._identity.name or f"BACnet {self._identity.instance}"

    @override
    def _parse(self, row: object) -> BacnetPoint:
        return BacnetPoint.from_dict(row)

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask how to find the device."""
        return self.async_show_menu(
            step_id="user", menu_options=["search", "address", "ede"]
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what is to be changed."""
        data = self._get_reconfigure_subentry().data
        self._connection = {
            key: data[key] for key in (CONF_ADDRESS, *_LOCAL_KEYS) if key in data
        }
        return self.async_show_menu(
            step_id="reconfigure", menu_options=["change_points", "connection", "ede"]
        )

    async def async_step_search(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Search the network and offer what was found."""
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            advanced = user_input[SECTION_ADVANCED]
            try:
                self._connection = local_side(user_input | advanced)
                await self._async_search(advanced)
            except FormError as err:
                errors, detail = err.errors, err.detail
            else:
                return await self.async_step_pick()
        side = await self._async_default_side()
        return self.async_show_form(
            step_id="search",
            data_schema=self.add_suggested_values_to_schema(
                search_schema(await async_interfaces(self.hass)),
                user_input or {**side, SECTION_ADVANCED: side},
            ),
            errors=errors,
            description_placeholders={"detail": detail},
        )

    async def _async_search(self, advanced: Mapping[str, Any]) -> None:
        """Fill ``_devices``; raises FormError when there is nothing to add."""
        if advanced[CONF_LOW] > advanced[CONF_HIGH]:
            raise FormError({"base": "wrong_range"})
        async with self._async_stack() as stack:
            try:
                answers = await stack.discover(
                    advanced[CONF_LOW], advanced[CONF_HIGH], search_target(advanced)
                )
            except LinkAddressError as err:
                raise FormError({"base": "invalid_target"}, str(err)) from err
            new = [one for one in answers if not self._is_taken(str(one.instance))]
            found = await async_identified(stack, new)
        if not answers:
            raise FormError({"base": "nothing_found"})
        if not found:
            raise FormError({"base": "nothing_new"})
        found.sort(key=lambda device: (device.instance, device.address))
        self._devices = {device.key: device for device in found}

    async def async_step_pick(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the user choose one of the devices that were found."""
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            device = self._devices[user_input[CONF_DEVICE]]
            self._connection[CONF_ADDRESS] = device.address
            try:
                await self._async_browse(device.instance)
            except FormError as err:
                errors, detail = err.errors, err.detail
            else:
                return await self._async_browsed()
        texts = await LinkTexts.async_load(self.hass)
        same = ", ".join(map(str, twins(self._devices.values())))
        return self.async_show_form(
            step_id="pick",
            data_schema=self.add_suggested_values_to_schema(
                probatio.Schema(
                    {
                        probatio.Required(CONF_DEVICE): SelectSelector(
                            SelectSelectorConfig(
                                options=[
                                    SelectOptionDict(value=key, label=device.label)
                                    for key, device in self._devices.items()
                                ]
                            )
                        )
                    }
                ),
                user_input,
            ),
            errors=errors,
            description_placeholders={
                "count": str(len(self._devices)),
                "warning": texts.common("same_instance", instances=same)
                if same
                else "",
                "detail": detail,
            },
        )

    async def async_step_address(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask where the device is."""
        return await self._async_step_connection("address", user_input)

    async def async_step_connection(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change the address of the same device."""
        return await self._async_step_connection("connection", user_input)

    async def async_step_ede(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Take the objects from a list instead of browsing."""
        return await self._async_step_connection("ede", user_input)

    async def async_step_change_points(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Browse the device again, where it is known to be."""
        try:
            await self._async_browse(self._own_instance)
        except FormError as err:
            # From there the user can try again, or tell another address.
            return await self._async_ask_connection(
                "connection", None, err.errors, err.detail
            )
        return await self._async_browsed()

    @property
    def _own_instance(self) -> int | None:
        """Instance of the device that is being changed; None for a new one."""
        if self.source != SOURCE_RECONFIGURE:
            return None
        return int(self._get_reconfigure_subentry().data[CONF_DEVICE_INSTANCE])

    async def _async_step_connection(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            instance = self._own_instance
            if instance is None:
                instance = user_input.get(CONF_DEVICE_INSTANCE)
            try:
                self._connection = {
                    CONF_ADDRESS: full_address(user_input[CONF_ADDRESS]),
                    **local_side(user_input[SECTION_LOCAL]),
                }
                wanted = None
                if step_id == "ede":
                    wanted = await self._async_list(user_input)
                    instance = self._checked_instance(instance, wanted)
                await self._async_browse(instance, wanted)
            except FormError as err:
                errors, detail = err.errors, err.detail
            else:
                return await self._async_browsed()
        return await self._async_ask_connection(step_id, user_input, errors, detail)

    async def _async_ask_connection(
        self,
        step_id: str,
        user_input: dict[str, Any] | None,
        errors: dict[str, str],
        detail: str,
    ) -> SubentryFlowResult:
        suggested: Mapping[str, Any] | None = user_input
        if suggested is None:
            suggested = {
                **self._connection,
                SECTION_LOCAL: self._connection or await self._async_default_side(),
            }
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                address_schema(
                    await async_interfaces(self.hass),
                    ask_instance=self.source != SOURCE_RECONFIGURE,
                    ask_list=step_id == "ede",
                ),
                suggested,
            ),
            errors=errors,
            description_placeholders={"detail": detail},
        )

    async def _async_default_side(self) -> Mapping[str, Any]:
        """Return our side as another link has it, else as the machine suggests."""
        for subentry in self._get_entry().get_subentries_of_type(SUBENTRY_BACNET):
            data = subentry.data
            return {key: data[key] for key in _LOCAL_KEYS if key in data}
        interfaces = await async_interfaces(self.hass)
        return {CONF_INTERFACE: interfaces[0]["value"]} if interfaces else {}

    async def _async_list(self, user_input: Mapping[str, Any]) -> EdeList:
        """Return the list that was uploaded or pasted; raises FormError."""
        try:
            text = user_input.get(CONF_TEXT, "")
            if file_id := user_input.get(CONF_FILE):
                text = await self._uploads.async_text(self.hass, file_id)
            state_texts = None
            if file_id := user_input.get(CONF_STATE_TEXTS):
                state_texts = await self._uploads.async_text(self.hass, file_id)
        except ValueError as err:
            raise FormError({"base": "invalid_file"}, str(err)) from err
        if not text.strip():
            raise FormError({"base": "no_list"})
        try:
            found = parse_ede(text, state_texts)
        except PointConfigError as err:
            raise FormError({"base": "invalid_list"}, str(err)) from err
        if not found.points:
            detail = "; ".join(found.problems)
            raise FormError({"base": "invalid_list"}, detail)
        return found

    @staticmethod
    def _checked_instance(instance: int | None, wanted: EdeList) -> int | None:
        """Return whom the list is of; raises FormError when it is of another device."""
        if wanted.instance is None or wanted.instance == instance:
            return instance
        if instance is not None:
            detail = f"{wanted.instance} ≠ {instance}"
            raise FormError({"base": "wrong_instance"}, detail)
        return int(wanted.instance)

    @asynccontextmanager
    async def _async_stack(self) -> AsyncIterator[BacnetStack]:
        """Hold our side of the connection; what goes wrong is raised as FormError."""
        try:
            async with async_borrowed_stack(self.hass, self._connection) as stack:
                await self._async_check_bbmd(stack)
                yield stack
        except FormError:
            raise
        except LinkAddressError as err:
            raise FormError({"base": "local_address"}, str(err)) from err
        except LinkConnectionError as err:
            raise FormError({"base": "cannot_connect"}, str(err)) from err
        except LinkError as err:
            raise FormError({"base": "not_bacnet"}, str(err)) from err
        except Exception as err:
            # A form never shows a traceback.
            LOGGER.exception("Unexpected error from a BACnet device")
            raise FormError({"base": "unknown"}, str(err)) from err

    async def _async_check_bbmd(self, stack: BacnetStack) -> None:
        """Wait until the BBMD has taken us in; raises FormError."""
        bbmd = self._connection.get(CONF_BBMD)
        if bbmd and not await stack.registered(REGISTRATION_PATIENCE_S):
            raise FormError({"base": "bbmd"}, bbmd)

    async def _async_browse(
        self, instance: int | None, wanted: EdeList | None = None
    ) -> None:
        """Fill in who answers and what can become points; raises FormError."""
        missing: Sequence[str] = ()
        async with self._async_stack() as stack:
            device = BacnetDevice(stack, self._connection[CONF_ADDRESS], instance)
            if wanted is None:
                found = await device.browse()
            else:
                found, missing = await device.describe(wanted.points)
            self._identity = device.identity
        if not found:
            raise FormError({"base": "no_objects"})
        texts = await LinkTexts.async_load(self.hass)
        self._candidates, self._remarks = offered_objects(
            found, missing, self._stored(), wanted, texts
        )

    async def _async_browsed(self) -> SubentryFlowResult:
        assert self._identity is not None
        if self._is_taken(str(self._identity.instance)):
            return self.async_abort(reason="already_configured")
        return await self.async_step_points()

    @override
    def _finish(self, rows: list[dict[str, Any]]) -> SubentryFlowResult:
        assert self._identity is not None
        instance = self._identity.instance
        data = {
            **self._connection,
            CONF_DEVICE_INSTANCE: instance,
            CONF_IDENTITY: asdict(self._identity),
            CONF_POINTS: rows,
        }
        return self._save(self._link_name, data, str(instance))
