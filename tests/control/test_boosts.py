"""Heat at once, until a time or until it is warm."""

from datetime import UTC, datetime, timedelta

from custom_components.compute_heater.control.boosts import Boosts

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def boosted() -> Boosts:
    boosts = Boosts()
    boosts.set("tank", LATER)
    return boosts


def test_until_its_time() -> None:
    boosts = boosted()
    assert boosts.is_on("tank", NOW)
    assert not boosts.is_on("floor", NOW)
    assert not boosts.is_on("tank", LATER)
    assert boosts.serves("tank", NOW, 40, 50)
    assert not boosts.serves("tank", LATER, 40, 50)
    assert boosts.memory == {}


def test_until_it_is_warm() -> None:
    boosts = boosted()
    assert not boosts.serves("tank", NOW, 50, 50)
    assert not boosts.serves("tank", NOW, 40, 50)


def test_not_without_a_temperature() -> None:
    boosts = boosted()
    assert not boosts.serves("tank", NOW, None, 50)
    assert not boosts.is_on("tank", NOW)


def test_ended_by_hand() -> None:
    boosts = boosted()
    boosts.set("tank", None)
    assert not boosts.is_on("tank", NOW)


def test_memory() -> None:
    """It survives a restart; what is broken or of nobody does not."""
    other = Boosts()
    stored = boosted().memory | {
        "floor": "2026-11-29T12:00:00",
        "pool": 5,
        "buffer": "tomorrow",
        "gone": LATER.isoformat(),
    }
    other.restore(stored, ("tank", "floor", "pool", "buffer"))
    assert other.memory == {"tank": LATER.isoformat()}
