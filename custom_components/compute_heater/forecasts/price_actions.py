"""Prices of integrations whose entities show only the present one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from ..control.series import Series
from ..control.tariff import from_response

type Request = Mapping[str, Any]


def _nordpool(entity: er.RegistryEntry, now: datetime) -> list[Request]:
    # The area is only in the unique id: "SE3-current_price".
    area = entity.unique_id.partition("-")[0]
    return [
        {
            "config_entry": entity.config_entry_id,
            "date": day.isoformat(),
            "areas": [area],
        }
        for day in (now.date(), now.date() + timedelta(days=1))
    ]


def _tibber(_entity: er.RegistryEntry, now: datetime) -> list[Request]:
    start = dt_util.start_of_local_day(now)
    end = dt_util.start_of_local_day(now.date() + timedelta(days=2))
    return [{"start": start.isoformat(), "end": end.isoformat()}]


def _days(**more: Any) -> Callable[[er.RegistryEntry, datetime], list[Request]]:
    def requests(entity: er.RegistryEntry, now: datetime) -> list[Request]:
        return [
            {
                "config_entry": entity.config_entry_id,
                "start": day.isoformat(),
                "end": day.isoformat(),
                **more,
            }
            for day in (now.date(), now.date() + timedelta(days=1))
        ]

    return requests


@dataclass(frozen=True, slots=True)
class PriceAction:
    """An action that answers with prices."""

    domain: str
    service: str
    requests: Callable[[er.RegistryEntry, datetime], list[Request]]
    """One for each day that may be known: today's has to succeed."""
    unit: str | None = None
    """None: the currency per kWh."""

    async def async_ask(
        self, hass: HomeAssistant, entity: er.RegistryEntry, now: datetime
    ) -> Series:
        """Return the prices from today on. Raises HomeAssistantError."""
        first, *others = self.requests(entity, now)
        found = await self._async_answer(hass, first)
        for request in others:
            try:
                more = await self._async_answer(hass, request)
            except Exception:  # noqa: BLE001 - tomorrow's are made known at about 13:00
                break
            found = Series.of([*found.pieces, *more.pieces])
        return found

    async def _async_answer(self, hass: HomeAssistant, request: Request) -> Series:
        response = await hass.services.async_call(
            self.domain,
            self.service,
            dict(request),
            blocking=True,
            return_response=True,
        )
        return from_response(
            response, unit=self.unit, zone=dt_util.get_default_time_zone()
        )


_ACTIONS: Mapping[str, PriceAction] = {
    action.domain: action
    for action in (
        PriceAction("nordpool", "get_prices_for_date", _nordpool, "EUR/MWh"),
        PriceAction("tibber", "get_prices", _tibber),
        PriceAction(
            "energyzero",
            "get_energy_prices",
            _days(incl_vat=True, price_type="all_in"),
        ),
        PriceAction("easyenergy", "get_energy_usage_prices", _days(incl_vat=True)),
    )
}


def price_action(
    hass: HomeAssistant, entity_id: str
) -> tuple[PriceAction, er.RegistryEntry] | None:
    """Return the action that tells more prices than an entity; None: there is none."""
    entity = er.async_get(hass).async_get(entity_id)
    if entity is None or (action := _ACTIONS.get(entity.platform)) is None:
        return None
    return action, entity
