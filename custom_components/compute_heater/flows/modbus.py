"""Add or change a controller of the building that speaks Modbus."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, override

import probatio

from homeassistant.config_entries import SOURCE_RECONFIGURE, SubentryFlowResult
from homeassistant.helpers.selector import (
    FileSelector,
    FileSelectorConfig,
    TextSelector,
    TextSelectorConfig,
)
from homeassistant.util.yaml import dump

from ..building.modbus import ModbusDevice
from ..building.modbus_link import LinkSettings
from ..building.modbus_plan import Layout
from ..building.modbus_point import ModbusPoint, WordOrder, parse_points
from ..building.modbus_preview import PreviewRow, preview
from ..building.point_table import parse_table
from ..building.points import PointConfigError, Value
from ..building.profile import Profile, ProfilePoint
from ..building.roles import suggest_role
from ..const import CONF_PARAMETERS, CONF_POINTS, CONF_PROFILE
from ..drivers import async_profiles
from .link_errors import FormError
from .link_steps import LinkSteps
from .link_texts import LinkTexts
from .modbus_candidates import of_list, of_profile
from .modbus_form import (
    AS_LISTED,
    CONF_UNREADABLE,
    CONF_WORD_ORDER,
    CONNECTION,
    DEFAULT_UNIT_ID,
    KEEP,
    in_order,
    link_settings,
    parameters_schema,
    preview_schema,
    preview_table,
    profile_lines,
    profile_schema,
)
from .modbus_try import async_units
from .uploads import Uploads

CONF_FILE = "file"
_LIST = probatio.Schema(
    {probatio.Required(CONF_POINTS): TextSelector(TextSelectorConfig(multiline=True))}
)
_UPLOAD = probatio.Schema(
    {
        probatio.Required(CONF_FILE): FileSelector(
            FileSelectorConfig(accept=".csv,.txt,.yaml,.yml,text/csv,text/plain")
        )
    }
)


class ModbusSubentryFlow(LinkSteps[ModbusPoint]):
    """Ask for the connection, then where the points come from, and try them."""

    def __init__(self) -> None:
        """Start with nothing known."""
        super().__init__()
        self._uploads = Uploads()
        self._settings: LinkSettings | None = None
        self._typed_unit_id: int | None = None
        """Of a new controller; a profile may know better than the default."""
        self._profile: Profile | None = None
        self._parameters: Mapping[str, int] = {}
        """What only the owner knows of the device, for the profile."""
        self._rows: list[PreviewRow] = []
        self._order: WordOrder | None = None
        """For all points of two registers; None = as each says."""

    @property
    @override
    def _link_name(self) -> str:
        if self.source == SOURCE_RECONFIGURE:
            return self._get_reconfigure_subentry().title
        if self._profile is not None:
            return self._profile.title
        return f"Modbus {self._link.host or self._link.device}"

    @property
    def _link(self) -> LinkSettings:
        assert self._settings is not None
        return self._settings

    @property
    def _unique_id(self) -> str:
        return f"{self._link.endpoint_text}/{self._link.unit_id}"

    @override
    def _parse(self, row: object) -> ModbusPoint:
        return ModbusPoint.from_dict(row)

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask how the controller is reached."""
        return await self._async_step_connection(
            "user", user_input, self.async_step_source
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what is to be changed."""
        data = self._get_reconfigure_subentry().data
        self._settings = link_settings(data)
        profiles = await async_profiles(self.hass)
        self._profile = profiles.get(data.get(CONF_PROFILE, ""))
        self._parameters = data.get(CONF_PARAMETERS, {})
        return self.async_show_menu(
            step_id="reconfigure",
            menu_options=["change_points", "connection", "profile", "list", "upload"],
        )

    async def async_step_connection(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change how the controller is reached."""
        return await self._async_step_connection(
            "connection", user_input, self.async_step_change_points
        )

    async def _async_step_connection(
        self,
        step_id: str,
        user_input: dict[str, Any] | None,
        then: Callable[[], Any],
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            try:
                self._settings = link_settings(user_input)
            except FormError as err:
                errors, detail = err.errors, err.detail
            else:
                if self.source != SOURCE_RECONFIGURE:
                    self._typed_unit_id = self._settings.unit_id
                if self._is_taken(self._unique_id):
                    return self.async_abort(reason="already_configured")
                result: SubentryFlowResult = await then()
                return result
        return self._ask_connection(step_id, user_input, errors, detail)

    def _ask_connection(
        self,
        step_id: str,
        user_input: Mapping[str, Any] | None,
        errors: dict[str, str],
        detail: str,
    ) -> SubentryFlowResult:
        if user_input is None and self._settings is not None:
            user_input = self._settings.to_dict()
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(CONNECTION, user_input),
            errors=errors,
            description_placeholders={"detail": detail},
        )

    async def async_step_source(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask where the points come from."""
        return self.async_show_menu(
            step_id="source", menu_options=["profile", "list", "upload"]
        )

    async def async_step_change_points(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Read the points again and offer them, with those of the profile."""
        try:
            await self._async_offer_again()
        except FormError as err:
            # From there the user can try again, or tell another address.
            return self._ask_connection("connection", None, err.errors, err.detail)
        return await self.async_step_points()

    async def async_step_profile(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the user choose the profile of the device, and read its points."""
        errors: dict[str, str] = {}
        detail = ""
        profiles = await async_profiles(self.hass)
        if user_input is not None:
            self._profile = profiles[user_input[CONF_PROFILE]]
            self._parameters = {}
            self._take_unit(self._profile)
            if self._is_taken(self._unique_id):
                return self.async_abort(reason="already_configured")
            if self._profile.parameters:
                return await self.async_step_parameters()
            try:
                await self._async_offer()
            except FormError as err:
                errors, detail = err.errors, err.detail
            else:
                return await self.async_step_points()
        suggested = user_input
        if suggested is None and self._profile is not None:
            suggested = {CONF_PROFILE: self._profile.id}
        texts = await LinkTexts.async_load(self.hass)
        return self.async_show_form(
            step_id="profile",
            data_schema=self.add_suggested_values_to_schema(
                profile_schema(profiles.values()), suggested
            ),
            errors=errors,
            description_placeholders={
                "profiles": profile_lines(profiles.values(), texts),
                "detail": detail,
            },
        )

    def _take_unit(self, profile: Profile) -> None:
        """Take the unit that the profile names, unless the user told another."""
        if self._typed_unit_id is not None:
            unit_id = self._typed_unit_id
            if unit_id == DEFAULT_UNIT_ID:
                unit_id = profile.unit_id
            self._settings = replace(self._link, unit_id=unit_id)

    async def async_step_parameters(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what only the owner knows, and read the profile's points."""
        assert self._profile is not None
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            self._parameters = user_input
            try:
                await self._async_offer()
            except FormError as err:
                errors, detail = err.errors, err.detail
            else:
                return await self.async_step_points()
        suggested: Mapping[str, Any] = user_input or {
            parameter.name: parameter.default
            for parameter in self._profile.parameters
            if parameter.default is not None
        }
        notes = self._profile.notes
        language = self.hass.config.language
        return self.async_show_form(
            step_id="parameters",
            data_schema=self.add_suggested_values_to_schema(
                parameters_schema(self._profile), suggested
            ),
            errors=errors,
            description_placeholders={
                "name": self._profile.title,
                "notes": notes.get(language, notes.get("en", "")),
                "detail": detail,
            },
        )

    async def _async_read(
        self, points: Sequence[ModbusPoint], layout: Layout
    ) -> dict[str, Value | None]:
        async with async_units(self.hass, self._link, points) as units:
            return await ModbusDevice(units, points, layout).read()

    def _offered(self, profile: Profile) -> Sequence[ProfilePoint]:
        """Return the points of a profile for this device; raises FormError."""
        try:
            return profile.points_for(self._parameters)
        except PointConfigError as err:
            raise FormError({"base": "invalid_setting"}, str(err)) from err

    def _decided(self, profile: Profile) -> Mapping[str, ModbusPoint]:
        """Return the points that are saved, if they are of this profile."""
        if self.source != SOURCE_RECONFIGURE:
            return {}
        former = self._get_reconfigure_subentry().data.get(CONF_PROFILE)
        return self._stored() if former == profile.id else {}

    async def _async_offer(self) -> None:
        """Fill in what the profile's points are on this device; raises FormError."""
        assert self._profile is not None
        language = self.hass.config.language
        offered = self._offered(self._profile)
        points = [one.as_point(language) for one in offered]
        values = await self._async_read(points, self._profile.layout)
        if all(value is None for value in values.values()):
            raise FormError({"base": "wrong_profile"}, self._profile.title)
        self._candidates = of_profile(
            offered, points, values, self._decided(self._profile)
        )
        notes = self._profile.notes
        texts = await LinkTexts.async_load(self.hass)
        await self._async_remark(
            notes.get(language, notes.get("en", "")),
            texts.common("sources", names="; ".join(self._profile.source)),
        )

    async def _async_offer_again(self) -> None:
        """Offer the points that are saved, and the profile's others."""
        if self._profile is not None:
            await self._async_offer()
            return
        stored = self._stored()
        points = [replace(point, writable=False) for point in stored.values()]
        values = await self._async_read(points, Layout())
        self._candidates = of_list(stored, values)
        await self._async_remark()

    async def _async_remark(self, *remarks: str) -> None:
        """Tell what is to be known above the points."""
        texts = await LinkTexts.async_load(self.hass)
        silent = [
            one.point.name for one in self._candidates.values() if one.value is None
        ]
        self._remarks = [remark for remark in remarks if remark]
        if silent:
            self._remarks.append(texts.common("silent", names=texts.names(silent)))

    async def async_step_list(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Take the points as text."""
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            try:
                await self._async_take(user_input[CONF_POINTS])
            except FormError as err:
                errors, detail = err.errors, err.detail
            else:
                return await self.async_step_preview()
        suggested = user_input
        if suggested is None and (stored := self._stored()):
            rows = [point.to_dict() for point in stored.values()]
            suggested = {CONF_POINTS: dump(rows)}
        return self.async_show_form(
            step_id="list",
            data_schema=self.add_suggested_values_to_schema(_LIST, suggested),
            errors=errors,
            description_placeholders={"detail": detail},
        )

    async def async_step_upload(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Take the points from a file."""
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            try:
                text = await self._uploads.async_text(self.hass, user_input[CONF_FILE])
                await self._async_take(text)
            except ValueError as err:
                errors, detail = {"base": "invalid_file"}, str(err)
            except FormError as err:
                errors, detail = err.errors, err.detail
            else:
                return await self.async_step_preview()
        return self.async_show_form(
            step_id="upload",
            data_schema=_UPLOAD,
            errors=errors,
            description_placeholders={"detail": detail},
        )

    async def _async_take(self, text: str) -> None:
        """Parse a list and read each of its points; raises FormError."""
        try:
            points = parse_points(parse_table(text))
        except PointConfigError as err:
            raise FormError({"base": "invalid_points"}, str(err)) from err
        points = [_with_role(point) for point in points]
        async with async_units(self.hass, self._link, points) as units:
            self._rows = await preview(units, points)
        self._profile = None
        self._order = None

    async def async_step_preview(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what was read, in every order of bytes, and take the right one."""
        errors: dict[str, str] = {}
        texts = await LinkTexts.async_load(self.hass)
        silent = [row.point.name for row in self._rows if row.raw is None]
        if user_input is not None:
            chosen = user_input.get(CONF_WORD_ORDER, AS_LISTED)
            order = None if chosen == AS_LISTED else WordOrder(chosen)
            changed, self._order = order is not self._order, order
            answer = user_input.get(CONF_UNREADABLE)
            if silent and answer is None:
                errors[CONF_UNREADABLE] = "unreadable_points"
            elif not changed:
                points = self._previewed(with_silent=answer == KEEP)
                if points:
                    self._points = {point.key: point for point in points}
                    return await self.async_step_review()
                errors["base"] = "no_points"
        return self.async_show_form(
            step_id="preview",
            data_schema=self.add_suggested_values_to_schema(
                preview_schema(self._rows), user_input
            ),
            errors=errors,
            description_placeholders={
                "table": preview_table(self._rows, self._order, texts),
                "silent": texts.common("silent", names=texts.names(silent))
                if silent
                else "",
                "detail": texts.names(silent),
            },
        )

    def _previewed(self, *, with_silent: bool) -> list[ModbusPoint]:
        return [
            replace(row.point, word_order=in_order(row.point, self._order))
            if row.point.data_type.words == 2
            else row.point
            for row in self._rows
            if with_silent or row.raw is not None
        ]

    @override
    def _finish(self, rows: list[dict[str, Any]]) -> SubentryFlowResult:
        data = self._link.to_dict()
        if self._profile is not None:
            data[CONF_PROFILE] = self._profile.id
            if self._parameters:
                data[CONF_PARAMETERS] = dict(self._parameters)
        data[CONF_POINTS] = rows
        return self._save(self._link_name, data, self._unique_id)


def _with_role(point: ModbusPoint) -> ModbusPoint:
    """Return the point with the role that its name suggests, unless it has one."""
    if point.role is not None:
        return point
    return replace(
        point,
        role=suggest_role(point.name, None, point.unit, point.kind, point.writable),
    )
