"""Hours of the day in which something may happen, on the clock of its people."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """The hours of one day; both times are in UTC."""

    day: date
    """On which it begins."""
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class DailyWindow:
    """From ``start`` to ``end``, if need be of the next day; the same means 24 hours.

    On days when the clocks change it is as long as on all others.
    """

    start: time
    end: time
    time_zone: tzinfo

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        length = datetime.combine(date.min, self.end) - datetime.combine(
            date.min, self.start
        )
        return length if length > timedelta() else length + DAY

    def on(self, day: date) -> Occurrence:
        """Return the occurrence that begins on a day."""
        start = datetime.combine(day, self.start, self.time_zone).astimezone(UTC)
        return Occurrence(day, start, start + self.length)

    def at(self, moment: datetime) -> Occurrence | None:
        """Return the occurrence in which a moment lies; None between two."""
        today = self.local_day(moment)
        for day in (today, today - DAY):
            occurrence = self.on(day)
            if occurrence.start <= moment < occurrence.end:
                return occurrence
        return None

    def local_day(self, moment: datetime) -> date:
        """Return the date on people's calendar."""
        return moment.astimezone(self.time_zone).date()
