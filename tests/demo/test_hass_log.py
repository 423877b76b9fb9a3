"""What counts as logged by us."""

from simulator.demo.hass_log import ours, parse

LOG = """\
2026-11-21 22:12:22.395+00:00 WARNING (MainThread) [homeassistant.bootstrap] Skipping pip
2026-11-21 22:12:22.398+00:00 WARNING (SyncWorker_0) [homeassistant.loader] We found a \
custom integration compute_heater which has not been tested by Home Assistant.
2026-11-21 22:12:29.024+00:00 WARNING (MainThread) [custom_components.compute_heater.site] \
the house is cold
2026-11-21 22:12:30.000+00:00 INFO (MainThread) [custom_components.compute_heater] fine
2026-11-21 22:12:31.000+00:00 ERROR (MainThread) [homeassistant] Error doing job
Traceback (most recent call last):
  File "/config/custom_components/compute_heater/site.py", line 1, in tick
    raise KeyError
KeyError
2026-11-21 22:12:32.000+00:00 ERROR (MainThread) [homeassistant] Error doing job
Traceback (most recent call last):
  File "/config/custom_components/another/site.py", line 1, in tick
KeyError
"""


def test_lines_belong_to_the_entry_above() -> None:
    records = parse(LOG)
    assert [record.level for record in records] == [
        *("WARNING", "WARNING", "WARNING", "INFO", "ERROR", "ERROR")
    ]
    assert records[4].text.endswith("KeyError")


def test_ours_by_logger_and_by_traceback() -> None:
    assert len(ours(LOG, "WARNING")) == 1
    (error,) = ours(LOG, "ERROR", "CRITICAL")
    assert "raise KeyError" in error
    assert ours(LOG, "CRITICAL") == []


def test_traceback_before_any_entry() -> None:
    """A start that breaks before logging works is an error too."""
    text = 'Traceback (most recent call last):\n  File "custom_components/compute_heater"\n'
    assert len(ours(text, "ERROR")) == 1


def test_our_bacnet_stack_counts_too() -> None:
    """The library runs for us alone, also where no file of ours is on the way."""
    log = """\
2026-11-21 22:12:31.000+00:00 ERROR (MainThread) [homeassistant] Error doing job
Traceback (most recent call last):
  File "/lib/site-packages/bacpypes3/app.py", line 1278, in confirmation
asyncio.exceptions.InvalidStateError
"""
    assert len(ours(log, "ERROR")) == 1
