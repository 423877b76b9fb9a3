"""Words in the language of Home Assistant, for texts that are put together."""

from collections.abc import Iterable, Mapping
from typing import Self

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..const import DOMAIN

MOST_NAMES = 12
"""That a sentence lists; of more it tells how many."""


class LinkTexts:
    """The texts under ``common`` and the options of selectors."""

    def __init__(self, common: Mapping[str, str], options: Mapping[str, str]) -> None:
        """Take texts by their full keys."""
        self._common = common
        self._options = options

    @classmethod
    async def async_load(cls, hass: HomeAssistant) -> Self:
        """Load the texts of the language that Home Assistant runs in."""
        language = hass.config.language
        return cls(
            await async_get_translations(hass, language, "common", {DOMAIN}),
            await async_get_translations(hass, language, "selector", {DOMAIN}),
        )

    def common(self, key: str, **values: str) -> str:
        """Return a text with its placeholders filled in."""
        text = self._common[f"component.{DOMAIN}.common.{key}"]
        return text.format_map(values)

    def option(self, selector: str, option: str) -> str:
        """Return how an option of a selector is called."""
        return self._options[f"component.{DOMAIN}.selector.{selector}.options.{option}"]

    def names(self, names: Iterable[str]) -> str:
        """Return names as a list that stays readable."""
        every = list(names)
        shown = ", ".join(every[:MOST_NAMES])
        if len(every) > MOST_NAMES:
            shown = self.common(
                "and_more", names=shown, count=str(len(every) - MOST_NAMES)
            )
        return shown
