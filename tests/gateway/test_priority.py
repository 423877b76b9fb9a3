"""Commands with priorities."""

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.gateway.priority import (
    LOWEST,
    PRIORITIES,
    PriorityArray,
    Slot,
)


def test_the_lowest_number_counts_until_it_is_taken_back() -> None:
    array = PriorityArray(0.0)
    assert (array.value, array.command, array.level) == (0.0, None, None)
    array.write(Slot(30.0, "a"), 16)
    array.write(Slot(70.0, "b"), 8)
    assert (array.value, array.command, array.level) == (70.0, 70.0, 8)
    array.relinquish(8)
    assert (array.value, array.level) == (30.0, 16)
    array.relinquish(16)
    assert (array.value, array.command, array.level) == (0.0, None, None)


def test_a_command_that_equals_the_default_is_a_command() -> None:
    array = PriorityArray(True)
    array.write(Slot(False, "a"), 10)
    assert (array.command, array.level) == (False, 10)
    array.write(Slot(True, "a"), 10)
    assert (array.command, array.level) == (True, 10)


def test_all_that_a_controller_commanded_is_dropped_at_once() -> None:
    array = PriorityArray(0.0)
    array.write(Slot(1.0, "a"), 16)
    array.write(Slot(2.0, "b"), 12)
    array.write(Slot(3.0, "a"), 8)
    assert array.drop("a")
    assert [slot.value for slot in array.slots if slot] == [2.0]
    assert not array.holds("a") and array.holds("b")
    assert not array.drop("a")


@given(
    st.lists(
        st.tuples(
            st.integers(1, PRIORITIES),
            st.none() | st.floats(0, 100),
            st.sampled_from("ab"),
        )
    )
)
def test_it_is_what_a_table_of_sixteen_says(
    steps: list[tuple[int, float | None, str]],
) -> None:
    array = PriorityArray(-1.0)
    table: dict[int, float] = {}
    for priority, value, peer in steps:
        if value is None:
            array.relinquish(priority)
            table.pop(priority, None)
        else:
            array.write(Slot(value, peer), priority)
            table[priority] = value
        level = min(table, default=None)
        assert array.level == level
        assert array.value == (-1.0 if level is None else table[level])


@pytest.mark.parametrize("priority", [1, LOWEST])
def test_both_ends(priority: int) -> None:
    array = PriorityArray(0.0)
    array.write(Slot(5.0, "a"), priority)
    assert array.level == priority
