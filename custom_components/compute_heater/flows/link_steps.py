"""The steps that the dialogues of BACnet and Modbus share: which points, and how."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import probatio

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from ..building.modbus_point import ModbusPoint
from ..building.point_fields import readable_points
from ..building.points import PointConfigError
from ..const import CONF_POINT, CONF_POINTS, CONF_READ, CONF_WRITE
from .candidate import AnyPoint, Candidate, label, limits_text, object_text, write_notes
from .link_texts import LinkTexts
from .point_form import changed_row, point_schema, point_values

SECTION_UNCONFIRMED = "unconfirmed"
_MOST_BOXES = 40
"""That are pleasant to tick; among more a person rather searches."""


class LinkSteps[PointT: AnyPoint](ConfigSubentryFlow, ABC):
    """Tick points, look them over, change some of them, and save."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._candidates: dict[str, Candidate[PointT]] = {}
        self._points: dict[str, PointT] = {}
        """As they will be saved."""
        self._remarks: list[str] = []
        """What the user is told above the points that can be ticked."""
        self._edited = ""
        """Key of the point that is being changed."""

    @property
    @abstractmethod
    def _link_name(self) -> str:
        """Return what the controller is called."""

    @abstractmethod
    def _parse(self, row: object) -> PointT:
        """Return the point of a row; raises PointConfigError."""

    @abstractmethod
    def _finish(self, rows: list[dict[str, Any]]) -> SubentryFlowResult:
        """Save the link with these points."""

    def _stored(self) -> dict[str, PointT]:
        """Return the points that are saved; one that cannot be read is found anew."""
        if self.source != SOURCE_RECONFIGURE:
            return {}
        rows = self._get_reconfigure_subentry().data[CONF_POINTS]
        points, _ = readable_points(rows, self._parse)
        return {point.key: point for point in points}

    def _is_taken(self, unique_id: str) -> bool:
        """Whether another link of this kind goes to the same controller."""
        own = (
            self._get_reconfigure_subentry().subentry_id
            if self.source == SOURCE_RECONFIGURE
            else None
        )
        return any(
            subentry.unique_id == unique_id and subentry.subentry_id != own
            for subentry in self._get_entry().get_subentries_of_type(
                self._subentry_type
            )
        )

    def _save(
        self, title: str, data: Mapping[str, Any], unique_id: str
    ) -> SubentryFlowResult:
        """Make the link, or put the new data into the one that is changed."""
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(),
                self._get_reconfigure_subentry(),
                data=data,
                unique_id=unique_id,
            )
        return self.async_create_entry(title=title, data=data, unique_id=unique_id)

    async def async_step_points(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the user tick what is read, and what may be written."""
        errors: dict[str, str] = {}
        if user_input is not None:
            read = user_input[CONF_READ]
            write = {
                *user_input[CONF_WRITE],
                *user_input.get(SECTION_UNCONFIRMED, {}).get(CONF_WRITE, ()),
            }
            if not read:
                errors[CONF_READ] = "no_points"
            elif not write <= set(read):
                errors[CONF_WRITE] = "write_without_read"
            else:
                self._points = {
                    key: self._candidates[key].chosen(write=key in write)
                    for key in read
                }
                return await self.async_step_review()
        texts = await LinkTexts.async_load(self.hass)
        return self.async_show_form(
            step_id="points",
            data_schema=self.add_suggested_values_to_schema(
                self._points_schema(texts), user_input or self._ticked()
            ),
            errors=errors,
            description_placeholders={
                "name": self._link_name,
                "count": str(len(self._candidates)),
                "detail": "\n\n".join(self._remarks),
            },
        )

    def _points_schema(self, texts: LinkTexts) -> probatio.Schema:
        offered = [one for one in self._candidates.values() if one.writable is not None]
        unconfirmed = [one for one in offered if not one.confirmed]
        fields: dict[Any, Any] = {
            probatio.Required(CONF_READ): _choice(
                self._candidates.values(), texts, write=False
            ),
            probatio.Required(CONF_WRITE, default=[]): _choice(
                (one for one in offered if one.confirmed), texts, write=True
            ),
        }
        if unconfirmed:
            fields[probatio.Required(SECTION_UNCONFIRMED)] = section(
                probatio.Schema(
                    {
                        probatio.Required(CONF_WRITE, default=[]): _choice(
                            unconfirmed, texts, write=True
                        )
                    }
                ),
                {"collapsed": True},
            )
        return probatio.Schema(fields)

    def _ticked(self) -> dict[str, Any]:
        """Return what is ticked to begin with, what is saved first."""
        order = dict.fromkeys([*self._stored(), *self._candidates])
        ticked = {
            key: one
            for key in order
            if (one := self._candidates.get(key)) is not None and one.is_read
        }

        def written(*, confirmed: bool) -> list[str]:
            return [
                key
                for key, one in ticked.items()
                if one.is_written and one.confirmed is confirmed
            ]

        return {
            CONF_READ: list(ticked),
            CONF_WRITE: written(confirmed=True),
            SECTION_UNCONFIRMED: {CONF_WRITE: written(confirmed=False)},
        }

    async def async_step_review(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what was chosen; change a point, or save."""
        if user_input is not None:
            if not (key := user_input.get(CONF_POINT)):
                return self._finish([one.to_dict() for one in self._points.values()])
            self._edited = key
            return await self.async_step_point()
        texts = await LinkTexts.async_load(self.hass)
        written = [point for point in self._points.values() if point.writable]
        return self.async_show_form(
            step_id="review",
            data_schema=probatio.Schema(
                {
                    probatio.Optional(CONF_POINT): SelectSelector(
                        SelectSelectorConfig(
                            options=[
                                SelectOptionDict(
                                    value=point.key, label=_summary(point, texts)
                                )
                                for point in self._points.values()
                            ],
                            mode=SelectSelectorMode.DROPDOWN,
                        )
                    )
                }
            ),
            description_placeholders={
                "name": self._link_name,
                "count": str(len(self._points)),
                "written": str(len(written)),
                "roles": str(
                    sum(one.role is not None for one in self._points.values())
                ),
                "detail": "\n".join(f"- {_summary(point, texts)}" for point in written),
            },
        )

    async def async_step_point(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change one point."""
        point = self._points[self._edited]
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            try:
                self._points[point.key] = self._parse(changed_row(point, user_input))
            except PointConfigError as err:
                error = (
                    "maximum_not_above_minimum"
                    if err.field == "maximum"
                    else "invalid_value"
                )
                field = err.field if err.field in user_input else "base"
                errors, detail = {field: error}, err.problem
            else:
                return await self.async_step_review()
        texts = await LinkTexts.async_load(self.hass)
        return self.async_show_form(
            step_id="point",
            data_schema=self.add_suggested_values_to_schema(
                point_schema(point), user_input or point_values(point)
            ),
            errors=errors,
            description_placeholders={
                "name": point.name,
                "object": object_text(point),
                "description": _about(point, texts),
                "detail": detail,
            },
        )


def _choice[PointT: AnyPoint](
    candidates: Iterable[Candidate[PointT]], texts: LinkTexts, *, write: bool
) -> SelectSelector:
    options = [
        SelectOptionDict(value=one.point.key, label=label(one, texts, notes=write))
        for one in candidates
    ]
    return SelectSelector(
        SelectSelectorConfig(
            multiple=True,
            options=options,
            mode=SelectSelectorMode.LIST
            if len(options) <= _MOST_BOXES
            else SelectSelectorMode.DROPDOWN,
        )
    )


def _summary(point: AnyPoint, texts: LinkTexts) -> str:
    """Return one line about a point that was chosen."""
    parts: Sequence[str] = (
        point.name,
        object_text(point),
        texts.option("point_role", point.role) if point.role else "",
        texts.option("poll_group", point.poll_group),
        texts.common("written") if point.writable else "",
        limits_text(point) if point.writable else "",
        *(texts.common(note) for note in write_notes(point) if point.writable),
    )
    return " · ".join(filter(None, parts))


def _about(point: AnyPoint, texts: LinkTexts) -> str:
    """Return what the controller does with a value that is written to it."""
    if not point.writable:
        return texts.common("only_read")
    if isinstance(point, ModbusPoint):
        return texts.common(f"write_class_{point.write_class}")
    return texts.common("commanded" if point.commandable else "restored")
