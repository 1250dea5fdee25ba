"""Effects of one entry: which arms are compared, by which formula, turned once, with what was supposed."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from scipy import stats

from analysis.effects import EffectRow, effects_of
from analysis.specification import EffectSpecification, Measure
from extraction.numbers import parse_quantity
from extraction.record import (
    Arm,
    CentreKind,
    ContrastStatistic,
    Entry,
    Observation,
    Outcome,
    Phase,
    Quantity,
    QuantityKind,
    Role,
    Spread,
    SpreadKind,
    Statistic,
    Status,
    Timepoint,
)

T, C = Arm("t", "CBT", Role.INTERVENTION, "CBT"), Arm("c", "Waiting list", Role.CONTROL)
BEFORE, AFTER = Timepoint("before", Phase.BASELINE, weeks=0.0), Timepoint("after", Phase.POST, weeks=12.0)
CRP = Outcome("crp", "hs-CRP", "CRP")
LOWER = {"CRP": -1, "IL-10": 1}


def cell(
    arm: Arm,
    mean: float,
    sd: float,
    n: int = 20,
    *,
    time: Timepoint = AFTER,
    outcome: Outcome = CRP,
    change: bool = False,
) -> Observation:
    kind = QuantityKind.CHANGE if change else QuantityKind.SCORE
    return Observation(
        f"{arm.key}-{time.key}-{outcome.key}-{kind}",
        arm.key,
        time.key,
        outcome.key,
        kind,
        Quantity(Status.REPORTED, str(n), float(n)),
        CentreKind.MEAN,
        Quantity(Status.REPORTED, str(mean), mean),
        Spread(SpreadKind.SD, Status.REPORTED, str(sd), sd),
    )


def entry(*cells: Observation, **more: Any) -> Entry:
    return Entry(**{"arms": (T, C), "timepoints": (BEFORE, AFTER), "outcomes": (CRP,), "observations": cells, **more})


def effects(said: Entry, measure: str = Measure.CHANGE_G, r: float = 0.5, **more: Any) -> list[EffectRow]:
    return effects_of(said, EffectSpecification(measure, r, LOWER), **more)


CHANGES = (cell(T, -2.0, 3.0, 20, change=True), cell(C, -0.5, 2.0, 25, change=True))
SCORES = (
    cell(T, 10.0, 4.0, time=BEFORE), cell(C, 9.5, 5.0, time=BEFORE), cell(T, 7.0, 3.0), cell(C, 9.0, 4.5),
)  # fmt: skip


def j(m: float) -> float:
    """Hedges' exact correction, by the gamma function of the standard library."""
    return math.exp(math.lgamma(m / 2) - 0.5 * math.log(m / 2) - math.lgamma((m - 1) / 2))


# --- Measures -----------------------------------------------------------------------------------------------


def test_change_scores_give_hedges_g_turned_where_lower_is_better() -> None:
    (row,) = effects(entry(*CHANGES))
    pooled_sd = math.sqrt((19 * 3.0**2 + 24 * 2.0**2) / 43)
    assert row.yi_raw == pytest.approx(j(43) * (-2.0 - -0.5) / pooled_sd, rel=1e-9)
    assert row.yi == pytest.approx(-(row.yi_raw or 0), rel=1e-15)
    assert row.vi == pytest.approx(1 / 20 + 1 / 25 + (row.yi or 0) ** 2 / 90, rel=1e-12)
    assert (row.direction, row.n_t, row.n_c, row.assumptions) == (-1, 20.0, 25.0, ())


def test_scores_after_treatment_give_hedges_g_of_their_own() -> None:
    (row,) = effects(entry(*SCORES), Measure.POST_G)
    assert row.yi_raw == pytest.approx(j(38) * (7.0 - 9.0) / math.sqrt((3.0**2 + 4.5**2) / 2), rel=1e-9)


def test_before_and_after_give_morris_d_with_an_imputed_r_that_is_flagged() -> None:
    (row,) = effects(entry(*SCORES), Measure.PPC_G, r=0.5)
    g = j(38) * ((7.0 - 10.0) - (9.0 - 9.5)) / math.sqrt((4.0**2 + 5.0**2) / 2)
    assert row.yi_raw == pytest.approx(g, rel=1e-9)
    # equation 25 of Morris: c² (df/(df - 2)) (2(1 - r)a + g²) - g²
    assert row.vi == pytest.approx(j(38) ** 2 * 38 / 36 * (2 * 0.5 * (1 / 20 + 1 / 20) + g**2) - g**2, rel=1e-9)
    assert len(row.assumptions) == 1
    assert "0.5 was imputed" in row.assumptions[0]


def test_another_imputed_r_changes_the_variance_and_not_the_effect() -> None:
    (half,), (high,) = (effects(entry(*SCORES), Measure.PPC_G, r=r) for r in (0.5, 0.9))
    assert half.yi == high.yi
    assert (high.vi or 0) < (half.vi or 0)


def test_r_is_derived_where_the_sd_of_the_change_is_reported() -> None:
    # r = (16 + 9 - s²)/(2·4·3) = 0.75 with s² = 7
    changes = (cell(T, -3.0, 7**0.5, change=True), cell(C, -0.5, 15.25**0.5, change=True))
    (row,) = effects(entry(*SCORES, *changes), Measure.PPC_G, r=0.1)
    assert row.inputs[0]["r"] == pytest.approx(0.75)
    assert row.inputs[1]["r"] == pytest.approx((25 + 20.25 - 15.25) / 45)
    assert row.assumptions == ()
    assert changes[0].key in row.inputs[0]["observations"]


def test_a_change_that_is_not_reported_is_derived_from_the_scores() -> None:
    (row,) = effects(entry(*SCORES), Measure.CHANGE_G, r=0.5)
    treated = row.inputs[0]
    assert treated["mean"] == -3.0
    assert treated["sd"] == pytest.approx((16 + 9 - 12) ** 0.5)
    assert "imputed" in row.assumptions[0]
    assert treated["observations"] == [SCORES[0].key, SCORES[2].key]


def test_a_change_that_cannot_be_read_falls_back_to_the_scores() -> None:
    unread = replace(cell(T, -3.0, 1.0, change=True), spread=Spread(status=Status.NOT_REPORTED))
    (row,) = effects(entry(*SCORES, unread))
    assert row.inputs[0]["sd"] == pytest.approx(13**0.5)


def test_people_lost_between_the_times_are_an_assumption() -> None:
    fewer = (cell(T, 7.0, 3.0, n=15), cell(C, 9.0, 4.5))
    (row,) = effects(entry(*SCORES[:2], *fewer), Measure.PPC_G)
    assert row.n_t == 15.0
    assert "the 15 people of CBT at one time were among those at the other" in row.assumptions


# --- Contrasts ----------------------------------------------------------------------------------------------


def test_every_intervention_arm_meets_every_control_of_its_stratum() -> None:
    arms = (
        replace(T, key="t1", stratum="men"), replace(T, key="t2", stratum="women"),
        replace(C, key="c1", stratum="men"), replace(C, key="c2", stratum="men"), replace(C, key="c3", stratum="women"),
    )  # fmt: skip
    cells = [cell(arm, float(n), 1.0, change=True) for n, arm in enumerate(arms)]
    rows = effects(entry(*cells, arms=arms))
    assert [(row.treatment.key, row.control.key if row.control else None) for row in rows] == [
        ("t1", "c1"), ("t1", "c2"), ("t2", "c3"),
    ]  # fmt: skip
    assert [row.position for row in rows] == [0, 1, 2]


def test_an_arm_outside_the_question_is_listed_and_kept_out() -> None:
    (row,) = effects(entry(*CHANGES, arms=(replace(T, eligible=False), C)))
    assert (row.yi, row.reason) == (None, "The arm CBT is outside the review's question.")


def test_without_a_control_arm_the_row_says_so() -> None:
    (row,) = effects(entry(*CHANGES, arms=(T, replace(C, eligible=False))))
    assert row.reason == "There is no control arm to compare CBT with."


def test_an_outcome_that_only_the_control_arm_has_makes_no_row() -> None:
    assert effects(entry(CHANGES[1])) == []


def test_an_outcome_that_the_control_arm_lacks_says_so() -> None:
    (row,) = effects(entry(CHANGES[0]))
    assert row.reason == "Waiting list has no change and no score at baseline for this outcome and time."


def test_measurements_before_the_end_of_treatment_make_no_effect() -> None:
    during = Timepoint("during", Phase.DURING, weeks=6.0)
    cells = [cell(arm, 1.0, 1.0, time=during, change=True) for arm in (T, C)]
    assert effects(entry(*cells, timepoints=(BEFORE, during))) == []


def test_each_time_from_the_end_of_treatment_on_makes_its_own_effect() -> None:
    later = Timepoint("later", Phase.FOLLOW_UP, weeks=52.0)
    cells = [cell(arm, 1.0, 1.0, time=later, change=True) for arm in (T, C)]
    rows = effects(entry(*CHANGES, *cells, timepoints=(BEFORE, AFTER, later)))
    assert [row.timepoint.key for row in rows] == ["after", "later"]


# --- Direction ----------------------------------------------------------------------------------------------


def test_where_higher_is_better_the_effect_stays() -> None:
    il10 = Outcome("crp", "IL-10", "IL-10")
    (row,) = effects(entry(*CHANGES, outcomes=(il10,)))
    assert row.yi == row.yi_raw


def test_an_outcomes_own_direction_wins_over_its_markers() -> None:
    (row,) = effects(entry(*CHANGES), overrides={"crp": 1})
    assert (row.direction, row.yi) == (1, row.yi_raw)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome("crp", "hs-CRP", ""), "The outcome “hs-CRP” has no marker in the codebook yet."),
        (Outcome("crp", "NK", "NK"), "Whether higher or lower NK is better is not set."),
    ],
)
def test_without_marker_or_direction_an_effect_is_computed_and_kept_out(outcome: Outcome, reason: str) -> None:
    (row,) = effects(entry(*CHANGES, outcomes=(outcome,)))
    assert row.yi_raw is not None
    assert (row.yi, row.reason) == (None, reason)


def test_no_difference_has_no_sign() -> None:
    (row,) = effects(entry(cell(T, 1.0, 1.0, change=True), cell(C, 1.0, 1.0, change=True)))
    assert str(row.yi) == "0.0"


# --- What cannot be computed --------------------------------------------------------------------------------


def test_a_spread_of_zero_in_both_arms_gives_no_effect_and_stops_no_other() -> None:
    il10 = Outcome("il10", "IL-10", "IL-10")
    flat = [cell(arm, 1.0, 0.0, outcome=il10, change=True) for arm in (T, C)]
    fine, null = effects(entry(*CHANGES, *flat, outcomes=(CRP, il10)))
    assert fine.reason == ""
    assert null.reason == "No effect: the standard deviation to divide by is zero."


def test_the_ledger_tells_formula_inputs_and_engine_and_is_json() -> None:
    (row,) = effects(entry(*SCORES), Measure.PPC_G)
    ledger = json.loads(json.dumps(row.ledger(Measure.PPC_G)))
    assert "Morris" in ledger["source"]
    assert [side["arm"] for side in ledger["inputs"]] == ["CBT", "Waiting list"]
    assert ledger["inputs"][0]["steps"][0]["what"] == "r of CBT"
    assert ledger["engine"].startswith("1 numpy")


def test_an_effect_does_not_depend_on_its_company() -> None:
    # bit for bit: the same effect alone and among others, or digests would differ between runs
    il10 = Outcome("il10", "IL-10", "IL-10")
    more = [cell(arm, float(n), 1.7, outcome=il10, change=True) for n, arm in enumerate((T, C))]
    (alone,) = effects(entry(*CHANGES))
    among = effects(entry(*CHANGES, *more, outcomes=(CRP, il10)))[0]
    assert (alone.yi, alone.vi) == (among.yi, among.vi)


# --- What a report says of the change within an arm ---------------------------------------------------------------


def told(arm: Arm, statistic: Statistic, printed: str, **more: Any) -> ContrastStatistic:
    key = f"{arm.key}-{statistic.value}"
    return ContrastStatistic(key, arm.key, "after", "crp", statistic, value=parse_quantity(printed), **more)


def r_of(row: EffectRow, arm: int = 0) -> tuple[float, dict[str, Any], list[str]]:
    """r of an arm, its step, and the contrasts that the ledger names."""
    side = row.inputs[arm]
    (step,) = [one for one in side["steps"] if one["what"].startswith("r of")]
    return step["value"], step, side.get("contrasts", [])


# SD 4 before and 3 after in T: SD of change² = 16 + 9 - 24 r; the mean changes by -3 in 20 people.
SD_OF_CHANGE = math.sqrt(16 + 9 - 24 * 0.7)
PAIRED_T = -3.0 * math.sqrt(20) / SD_OF_CHANGE
P_OF_CHANGE = float(2 * stats.t.sf(-PAIRED_T, 19))


@pytest.mark.parametrize(
    ("statistic", "printed", "formula"),
    [
        (Statistic.CORRELATION, "0.7", "r as reported"),
        (Statistic.SD_CHANGE, repr(SD_OF_CHANGE), "SD_change as reported"),
        (Statistic.PAIRED_T, repr(PAIRED_T), "SD_change = |change| × √n / |t|"),
        (
            Statistic.P_CHANGE,
            repr(P_OF_CHANGE),
            "SD_change = |change| × √n / |t|, t of the two-sided p",
        ),
    ],
)
def test_what_is_said_of_the_change_takes_the_place_of_the_imputed_r(
    statistic: Statistic, printed: str, formula: str
) -> None:
    said = told(T, statistic, printed)
    (plain,), (row,) = effects(entry(*SCORES), Measure.PPC_G), effects(entry(*SCORES, contrasts=(said,)), Measure.PPC_G)
    r, step, keys = r_of(row)
    assert r == pytest.approx(0.7, abs=1e-9)
    assert step["formula"].startswith(formula)
    assert (step["assumption"], keys) == ("", [said.key])
    # the other arm stays with what is imputed; the effect stays, its variance is another one
    assert (r_of(row, 1)[0], r_of(row, 1)[2]) == (0.5, [])
    assert row.yi == plain.yi
    assert (row.vi or 0) < (plain.vi or 0)
    assert len(row.assumptions) == 1
    assert "contrasts" in json.dumps(row.ledger(Measure.PPC_G))
    assert "contrasts" not in json.dumps(plain.ledger(Measure.PPC_G))


def test_the_sd_of_a_change_that_is_made_of_scores_rests_on_it_too() -> None:
    both = tuple(told(arm, Statistic.CORRELATION, "0.9") for arm in (T, C))
    (row,) = effects(entry(*SCORES, contrasts=both))
    sd_t, sd_c = (math.sqrt(a * a + b * b - 2 * 0.9 * a * b) for a, b in ((4.0, 3.0), (5.0, 4.5)))
    assert [side["sd"] for side in row.inputs] == pytest.approx([sd_t, sd_c], rel=1e-12)
    assert row.assumptions == ()


def test_the_sd_of_change_in_the_grid_goes_before_one_that_is_stated_and_r_before_both() -> None:
    in_grid = replace(CHANGES[0], key="in grid", spread=replace(CHANGES[0].spread, value=SD_OF_CHANGE))
    stated = told(T, Statistic.SD_CHANGE, "4.5")
    (row,) = effects(entry(*SCORES, in_grid, contrasts=(stated,)), Measure.PPC_G)
    assert r_of(row)[0] == pytest.approx(0.7, abs=1e-9)
    assert (r_of(row)[2], "in grid" in row.inputs[0]["observations"]) == ([], True)
    reported = told(T, Statistic.CORRELATION, "0.31")
    (row,) = effects(entry(*SCORES, in_grid, contrasts=(stated, reported)), Measure.PPC_G)
    assert (r_of(row)[0], r_of(row)[2], "in grid" in row.inputs[0]["observations"]) == (0.31, [reported.key], False)


@pytest.mark.parametrize(
    ("statistic", "printed", "more"),
    [
        (Statistic.CORRELATION, "NR", {}),
        (Statistic.CORRELATION, ">0.6", {}),
        (Statistic.CORRELATION, "1", {}),
        (Statistic.CORRELATION, "0.7", {"adjusted": "age"}),
        (Statistic.CORRELATION, "0.7", {"timepoint": "before"}),
        (Statistic.SD_CHANGE, "0", {}),
        (Statistic.SD_CHANGE, "9", {}),  # contradicts the SDs before and after
        (Statistic.PAIRED_T, "0", {}),
        (Statistic.P_CHANGE, "0.000", {}),
        (Statistic.P_CHANGE, "1", {}),
        (Statistic.P_CHANGE, "<0.05", {}),
        (Statistic.T, "2.1", {"versus": "c"}),
    ],
)
def test_what_tells_no_r_leaves_the_effect_as_it_was(statistic: Statistic, printed: str, more: dict[str, Any]) -> None:
    said = replace(told(T, statistic, printed), **more)
    for measure in (Measure.PPC_G, Measure.CHANGE_G):
        (plain,), (row,) = (effects(entry(*SCORES, contrasts=rows), measure) for rows in ((), (said,)))
        assert (row.yi, row.vi, row.reason) == (plain.yi, plain.vi, "")
        assert r_of(row)[2] == []


def test_a_contradiction_is_told_where_r_is_imputed() -> None:
    (row,) = effects(entry(*SCORES, contrasts=(told(T, Statistic.SD_CHANGE, "9"),)), Measure.PPC_G)
    assert "contradicts the other SDs" in row.assumptions[0]
