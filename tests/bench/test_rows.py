"""What the table of measures says of itself."""

import pytest

from bench.rows import Goal, Row, missed, table

LEAST, MOST = Goal(least=0.35), Goal(most=5, unit=" s")


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [(LEAST, 0.35, True), (LEAST, 0.34, False), (MOST, 5, True), (MOST, 5.1, False)],
)
def test_a_goal_judges_the_value(goal: Goal, value: float, met: bool) -> None:
    assert Row(measure="lists", value=value, goal=goal).is_met is met


def test_a_figure_without_a_goal_is_judged_by_nobody() -> None:
    assert Row(measure="memory", ours="110 MiB").is_met is None


def test_a_measure_that_cannot_run_says_why_and_counts_as_missed() -> None:
    row = missed("ingest", LEAST, "calibredb is not on PATH")
    assert row.is_met is False
    assert "cannot run: calibredb is not on PATH" in table([row])


def test_the_columns_stand_below_each_other_in_chinese_too() -> None:
    rows = [Row(measure="红楼梦", ours="A"), Row(measure="shelves", ours="B")]
    chinese, latin = table(rows).splitlines()[2:]
    assert latin.index("B") - chinese.index("A") == len("红楼梦")


def test_a_line_bears_the_sign_of_its_verdict() -> None:
    rows = [
        Row(measure="one", value=1, goal=LEAST),
        Row(measure="two", value=0, goal=LEAST),
        Row(measure="three"),
    ]
    assert [line[0] for line in table(rows).splitlines()[2:]] == ["✓", "✗", "·"]
