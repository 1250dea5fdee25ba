"""Numbers in words and drawings: signs, roundings, the sentence that follows from an interval, places on an axis."""

from __future__ import annotations

import re
from typing import Any

import pytest

from analysis import charts, wording
from analysis.models import PooledResult
from analysis.wording import Part


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.101, "0.10"), (-0.05, "−0.05"), (-0.004, "0.00"), (0.0, "0.00"), (12.346, "12.35"), (None, "–")],
)
def test_g_has_two_decimals_a_true_minus_and_no_negative_zero(value: float | None, said: str) -> None:
    assert wording.decimals(value) == said


@pytest.mark.parametrize(
    ("p", "said"), [(0.0421, ".042"), (0.00099, "< .001"), (0.001, ".001"), (1.0, "1.000"), (None, "–")]
)
def test_p_has_no_leading_zero(p: float | None, said: str) -> None:
    assert wording.p_value(p) == said


def test_other_numbers() -> None:
    assert wording.interval(-0.07, 1.108) == "−0.07 to 1.11"
    assert wording.interval(None, 1.0) == "–"
    assert (wording.percent(41.99), wording.percent(None)) == ("42%", "–")
    assert (wording.degrees(51.14), wording.degrees(None)) == ("51.1", "–")
    assert (wording.level(0.95), wording.level(0.999)) == ("95%", "99.9%")
    assert [wording.slope(value) for value in (0.00704264, -12.3456, 1e-7, None)] == [
        "0.00704",
        "−12.3",
        "0.000000",
        "–",
    ]


def result(**columns: Any) -> PooledResult:
    said = {"estimate": 0.1, "ci_low": 0.01, "ci_high": 0.2, "statistic": 2.085, "df": 51.14, "p": 0.042}
    return PooledResult(**{**said, **columns})


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "t(51.1) = 2.08, p = .042"),
        ({"df": None}, "z = 2.08, p = .042"),
        ({"df_num": 4, "df": 14.0, "p": 0.0001}, "F(4, 14.0) = 2.08, p < .001"),
        ({"statistic": None}, "–"),
    ],
)
def test_the_test_is_named_by_its_distribution(columns: dict[str, Any], said: str) -> None:
    assert wording.test(result(**columns)) == said


PARTS = [Part("VO2max", 0.39, 0.22, 0.56), Part("HbA1c", -0.23, -0.46, -0.01), Part("BMI", 0.0, -0.1, 0.1)]


@pytest.mark.parametrize(
    ("columns", "start"),
    [
        ({}, "All outcomes: the intervention does better than control (g 0.10, 95% CI 0.01 to 0.20)."),
        ({"estimate": -0.1, "ci_low": -0.2, "ci_high": -0.01}, "All outcomes: the intervention does worse than"),
        ({"ci_low": -0.01}, "All outcomes: no clear difference between intervention and control"),
        ({"ci_low": 0.0}, "All outcomes: no clear difference"),
    ],
)
def test_the_first_sentence_says_what_the_interval_says(columns: dict[str, Any], start: str) -> None:
    assert wording.lead_sentences("All outcomes", result(**columns), 0.95, [])[0].startswith(start)


def test_the_other_sentences_follow_from_the_parts_and_the_degrees_of_freedom() -> None:
    few, parts = wording.lead_sentences("All", result(df=3.7), 0.95, PARTS)[1:]
    assert few == "With fewer than 4 degrees of freedom this interval cannot be relied on."
    assert parts == (
        "Of the 3 markers alone, the interval lies above 0 for VO2max (0.39) and lies below 0 for HbA1c (−0.23); "
        "it holds 0 for the other 1."
    )
    assert wording.lead_sentences("All", result(), 0.95, PARTS[2:])[1] == (
        "The interval of each of the 1 markers alone holds 0."
    )
    assert wording.lead_sentences("All", result(estimate=None), 0.95, PARTS) == []


# --- Figures ------------------------------------------------------------------------------------------------


def line(name: str, estimate: float | None, half: float = 0.2, **more: Any) -> charts.Line:
    if estimate is None:
        return charts.Line(name, None, None, None, **more)
    return charts.Line(name, estimate, estimate - half, estimate + half, **more)


LINES = [line("A", 0.1), line("B", -0.3, weight=0.5), line("C", 0.4, heading=True, pooled=True), line("Nothing", None)]
OVERALL = line("All", 0.1, 0.05, pooled=True, prediction=(-0.2, 0.4))


@pytest.mark.parametrize("layout", [charts.WIDE, charts.NARROW])
def test_a_forest_keeps_everything_inside_its_frame(layout: charts.Layout) -> None:
    drawn = charts.forest([*LINES, line("Far", 0.2, 9.0)], OVERALL, layout)
    assert drawn.overall is not None
    numbers = [
        float(x)
        for row in (*drawn.rows, drawn.overall)
        for path in (row.band, row.whisker, row.shape)
        for x in re.findall(r"[MHL](-?[\d.]+)", path)
    ]
    assert min(numbers) >= layout.left
    assert max(numbers) <= layout.right
    assert (
        float(drawn.rows[0].y) < float(drawn.rows[-1].y) < float(drawn.overall.y) < float(drawn.bottom) < drawn.height
    )


def test_an_interval_that_leaves_the_frame_ends_in_an_arrow() -> None:
    drawn = charts.forest([*(line(str(n), 0.1) for n in range(20)), line("Far", 0.2, 9.0)], None, charts.WIDE)
    assert drawn.rows[-1].whisker.count("M") == 3
    assert drawn.rows[0].whisker.count("M") == 1


def test_zero_lies_between_the_signs_and_larger_is_further_right() -> None:
    drawn = charts.forest(LINES, OVERALL, charts.WIDE)
    scale = charts.Scale(*charts.span([*LINES, OVERALL]), charts.WIDE.left, charts.WIDE.right)
    assert scale.x(-0.3) < float(drawn.zero) < scale.x(0.1) < scale.x(0.4)
    assert drawn.reference == scale.at(0.1)
    assert drawn.rows[3].shape == ""


def test_a_heavier_effect_has_a_larger_square() -> None:
    light, heavy = (charts.forest([line("A", 0.1, weight=w)], None, charts.WIDE).rows[0].shape for w in (0.01, 0.4))
    side = [float(re.findall(r"h([\d.]+)", path)[0]) for path in (light, heavy)]
    assert side[0] < side[1]


@pytest.mark.parametrize("span", [(-0.31, 0.72), (-3.0, 3.0), (-0.02, 0.013), (0.0, 40.0)])
def test_ticks_are_round_ordered_and_inside(span: tuple[float, float]) -> None:
    ticks = charts.Scale(*span, 0.0, 100.0).ticks()
    assert 3 <= len(ticks) <= 8
    values = [float(label.replace("−", "-")) for _, label in ticks]
    assert values == sorted(set(values))
    assert all(span[0] <= value <= span[1] for value in values)
    assert 0.0 in values


def test_an_axis_of_nothing_but_zero_is_still_an_axis() -> None:
    low, high = charts.span([line("Nothing", None)])
    assert low < 0 < high


def test_small_drawings_share_one_scale_and_are_left_out_where_there_is_no_number() -> None:
    minis = charts.minis(LINES)
    assert minis[3] is None
    assert len({mini.zero for mini in minis if mini}) == 1
    assert [mini.pooled for mini in minis if mini] == [False, False, True]


def test_a_funnel_marks_what_lies_outside_its_frame() -> None:
    points = [charts.Point(f"T{n}", 0.01 * n, 0.1 + 0.01 * n) for n in range(30)]
    drawn = charts.funnel([*points, charts.Point("Far", 9.0, 0.2), charts.Point("Low", -9.0, 0.2)], 0.1)
    assert len(drawn.points) == 30
    assert [title.split(":")[0] for _, title in drawn.outside] == ["Far", "Low"]
    assert len(drawn.bands) == 2


def test_weights_are_shown_as_shares() -> None:
    shares = [line("A", 0.1, weight=w).says_weight for w in (None, 0.001, 0.034)]
    assert shares == ["", "<1%", "3%"]
