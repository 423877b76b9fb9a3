"""Consumers that take too little are left alone, and are served again later."""

from custom_components.compute_heater.control.fullness import Fullness

GIVES = {"least_w": 500.0, "full_w": 3000.0}


def test_alone_on_its_path() -> None:
    """It is full below the heaters' least heat, until there is clearly room again."""
    sink = Fullness(shares_valve=False)
    assert not sink.update(50, 501, **GIVES)
    assert sink.update(55, 499, **GIVES)
    assert sink.update(54, 790, **GIVES)
    assert not sink.update(53, 800, **GIVES)
    assert not sink.update(54, 501, **GIVES)


def test_behind_a_valve() -> None:
    """Below half of full power the other one would take more; then it has to cool down."""
    tank = Fullness(shares_valve=True)
    assert not tank.update(50, 1501, **GIVES)
    assert tank.update(52, 1499, **GIVES)
    # It gets no hotter from being full for longer.
    assert tank.update(53, 1200, **GIVES)
    assert tank.update(46.1, 2600, **GIVES)
    assert not tank.update(46, 2600, **GIVES)
    assert not tank.update(51, 1501, **GIVES)


def test_heaters_that_can_not_give_less() -> None:
    """A heater that is on or off: half of its power is still too little."""
    tank = Fullness(shares_valve=True)
    assert tank.update(50, 2900, least_w=3000, full_w=3000)
    assert not Fullness(shares_valve=True).update(50, 3000, least_w=3000, full_w=3000)


def test_a_cold_one_that_takes_too_little_stays_full() -> None:
    """A small exchanger: colder does not help while it takes less than it must."""
    tank = Fullness(shares_valve=True)
    assert tank.update(50, 1000, **GIVES)
    assert tank.update(40, 1400, **GIVES)
    assert not tank.update(40, 1600, **GIVES)
