"""Agreement coefficients; agreement with statsmodels, irrCAC, krippendorff and pingouin is in test_reference.py."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import agreement as ag
from analysis.stats.distributions import f_quantile, t_quantile
from analysis.stats.errors import InvalidInput, NotEstimable, TooFewEffects, UnknownOption

RATINGS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40)


def raters(table: list[list[int]]) -> tuple[list[int], list[int]]:
    """Two raters whose ratings fill this table."""
    cells = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return [i for i, _ in cells], [j for _, j in cells]


def test_kappa_of_the_textbook_table() -> None:
    # given the table of Fleiss, Levin & Paik (2003), 18.1: 100 subjects, three diagnoses
    first, second = raters([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    found = ag.cohen_kappa(first, second)
    # then kappa = 0.68, and 0.0875 its error, 0.076 that under the null
    assert found.kappa == pytest.approx(0.676, abs=5e-4)
    assert found.se == pytest.approx(0.088, abs=5e-4)
    assert found.se_null == pytest.approx(0.076, abs=5e-4)
    assert found.percent_agreement == pytest.approx(0.89)
    assert found.table.tolist() == [[75, 1, 4], [5, 4, 1], [0, 0, 10]]


def test_missing_ratings_are_left_out_and_counted() -> None:
    found = ag.cohen_kappa(["a", "b", None, "a"], ["a", "b", "a", float("nan")])
    assert (found.n, found.omitted, found.kappa) == (2, 2, 1.0)


def test_kappa_is_undefined_where_chance_agrees_on_everything() -> None:
    found = ag.cohen_kappa(["yes"] * 4, ["yes"] * 4, ["yes", "no"])
    assert found.percent_agreement == 1.0
    assert (found.kappa, found.se, found.ci_low, found.z, found.p, found.kappa_max) == (None,) * 6
    assert ag.cohen_kappa([1], [1], [1], weights="linear").kappa is None


def test_one_rater_with_one_category_has_no_test() -> None:
    found = ag.cohen_kappa(["a", "a", "a"], ["a", "b", "a"])
    assert found.kappa == pytest.approx(0.0)
    assert (found.z, found.p, found.se_null) == (None, None, None)


@settings(deadline=None)
@given(RATINGS, st.sampled_from(["none", "linear", "quadratic"]))
def test_kappa_does_not_care_who_is_first_nor_which_end_is_up(pairs: list[tuple[int, int]], weights: str) -> None:
    first, second = zip(*pairs, strict=True)
    here = ag.cohen_kappa(first, second, range(4), weights=weights)
    swapped = ag.cohen_kappa(second, first, range(4), weights=weights)
    turned = ag.cohen_kappa(first, second, [3, 2, 1, 0], weights=weights)
    for other in (swapped, turned):
        assert other.kappa == pytest.approx(here.kappa)
        assert other.se == pytest.approx(here.se, abs=1e-7)
        assert other.kappa_max == pytest.approx(here.kappa_max)
    if here.kappa is not None and here.ci_low is not None and here.ci_high is not None:
        assert here.ci_low <= here.kappa <= here.ci_high
        assert here.kappa_max is not None
        assert here.kappa <= here.kappa_max + 1e-9 <= 1 + 2e-9


def test_two_categories_leave_no_room_for_weights() -> None:
    first, second = raters([[20, 5], [10, 15]])
    plain, linear, quadratic = (
        ag.cohen_kappa(first, second, [0, 1], weights=weights) for weights in ("none", "linear", "quadratic")
    )
    assert linear.kappa == quadratic.kappa == plain.kappa == pytest.approx(0.4)
    assert linear.se == pytest.approx(plain.se)


def test_weights_forgive_near_misses() -> None:
    near, far = raters([[10, 5, 0], [0, 10, 0], [0, 0, 10]]), raters([[10, 0, 5], [0, 10, 0], [0, 0, 10]])
    kappas = [ag.cohen_kappa(*both, range(3), weights="quadratic").kappa for both in (near, far)]
    assert kappas[0] is not None
    assert kappas[1] is not None
    assert kappas[0] > kappas[1]
    # quadratic weighting: 1 - Σ (i - j)² p / Σ (i - j)² p_i q_j
    first, second = (np.array(x) for x in far)
    observed = ((first - second) ** 2).mean()
    expected = (np.subtract.outer(first, second) ** 2).mean()
    assert kappas[1] == pytest.approx(1 - observed / expected)


def test_the_largest_weighted_kappa_is_that_of_sorted_ratings() -> None:
    first, second = raters([[8, 3, 1], [2, 4, 6], [5, 0, 2]])
    here = ag.cohen_kappa(first, second, range(3), weights="linear")
    best = ag.cohen_kappa(sorted(first), sorted(second), range(3), weights="linear")
    assert here.kappa_max == pytest.approx(best.kappa)
    assert best.kappa_max == pytest.approx(best.kappa)


# -- several raters -----------------------------------------------------------------------------------------------


def test_fleiss_kappa_of_the_textbook_example() -> None:
    # given Fleiss (1971) as on Wikipedia: 10 subjects, 14 raters, 5 categories
    counts = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    units = [[category for category, n in enumerate(row) for _ in range(n)] for row in counts]
    found = ag.fleiss_kappa(list(zip(*units, strict=True)))
    assert found.value == pytest.approx(0.210, abs=5e-4)
    assert found.agreement == pytest.approx(0.378, abs=5e-4)
    assert found.by_chance == pytest.approx(0.213, abs=5e-4)
    assert found.ci_low is not None
    assert found.ci_high is not None
    assert found.ci_low < 0.210 < found.ci_high


def test_the_error_of_ac1_is_that_of_irrcac() -> None:
    # given 60 ratings as a table, whose error irrCAC 0.4.4 gives as 0.0917793116837579
    first, second = raters([[28, 5], [4, 23]])
    found = ag.gwet_ac1([first, second], [0, 1])
    jackknife = []
    for unit in range(60):
        rest = [x[:unit] + x[unit + 1 :] for x in (first, second)]
        value = ag.gwet_ac1(rest, [0, 1]).value
        assert value is not None
        jackknife.append(value)
    se = sqrt(59 / 60 * float(((np.array(jackknife) - np.mean(jackknife)) ** 2).sum()))
    assert found.se == pytest.approx(se, rel=0.01)  # the linear error is the jackknife's to first order


def test_ac1_does_not_collapse_where_nearly_all_fall_into_one_category() -> None:
    first, second = raters([[95, 2], [3, 0]])
    kappa, ac1 = ag.cohen_kappa(first, second).kappa, ag.gwet_ac1([first, second]).value
    assert kappa is not None
    assert ac1 is not None
    assert kappa < 0 < 0.9 < ac1


def test_unused_categories_count_for_ac1() -> None:
    both = raters([[5, 2], [1, 4]])
    two, three = ag.gwet_ac1(both).value, ag.gwet_ac1(both, [0, 1, 2]).value
    assert two is not None
    assert three is not None
    assert three > two


@settings(deadline=None)
@given(RATINGS)
def test_relabelling_and_order_do_not_matter(pairs: list[tuple[int, int]]) -> None:
    first, second = (list(x) for x in zip(*pairs, strict=True))
    names = ["w", "x", "y", "z"]
    for coefficient in (ag.gwet_ac1, ag.fleiss_kappa):
        here = coefficient([first, second], range(4))
        renamed = coefficient([[names[x] for x in second[::-1]], [names[x] for x in first[::-1]]], names)
        assert renamed.value == pytest.approx(here.value)
        assert renamed.se == pytest.approx(here.se, abs=1e-9)


@pytest.mark.parametrize("coefficient", [ag.gwet_ac1, ag.fleiss_kappa])
def test_coefficients_where_little_is_known(coefficient: Callable[..., ag.ChanceCorrected]) -> None:
    # one category for everything: undefined
    assert coefficient([["a", "a"], ["a", "a"]]).value is None
    # one unit: a value without an error
    alone = coefficient([["a"], ["b"]])
    assert alone.value is not None
    assert (alone.se, alone.ci_low) == (None, None)
    # units rated once count for how common categories are
    mixed = coefficient([["a", "b", "a"], ["a", "b", None]])
    assert (mixed.units, mixed.compared) == (3, 2)
    assert mixed.agreement == 1.0
    with pytest.raises(TooFewEffects, match="two ratings"):
        coefficient([["a", None], [None, "b"]])


# -- Krippendorff ---------------------------------------------------------------------------------------------------

FOUR_CODERS: list[list[float | None]] = [
    [None, None, None, None, None, 3, 4, 1, 2, 1, 1, 3, 3, None, 3],
    [1, None, 2, 1, 3, 3, 4, 3, None, None, None, None, None, None, None],
    [None, None, 2, 1, 3, 4, 4, None, 2, 1, 1, 3, 3, None, 4],
]


@pytest.mark.parametrize(("measurement", "alpha"), [("nominal", 0.691), ("ordinal", 0.807), ("interval", 0.811)])
def test_alpha_of_the_known_example(measurement: str, alpha: float) -> None:
    # given three coders of 15 units with gaps (Krippendorff's example, as on Wikipedia)
    found = ag.krippendorff_alpha(FOUR_CODERS, measurement=measurement)
    assert found.value == pytest.approx(alpha, abs=5e-4)
    assert (found.units, found.ratings) == (12, 26)


def test_the_jackknife_leaves_out_one_unit_at_a_time() -> None:
    for measurement in ("nominal", "ordinal", "ratio"):
        found = ag.krippendorff_alpha(FOUR_CODERS, measurement=measurement, level=0.9)
        compared = [u for u in range(15) if sum(coder[u] is not None for coder in FOUR_CODERS) > 1]
        left = [
            ag.krippendorff_alpha(
                [[x for i, x in enumerate(c) if i != u] for c in FOUR_CODERS], measurement=measurement
            )
            for u in compared
        ]
        values = np.array([one.value for one in left], dtype=float)
        se = sqrt(11 / 12 * float(((values - values.mean()) ** 2).sum()))
        assert found.se == pytest.approx(se)
        assert found.value is not None
        assert found.ci_high == pytest.approx(found.value + t_quantile(0.95, 11) * se)
        assert found.ci_low == pytest.approx(found.value - t_quantile(0.95, 11) * se)


@settings(deadline=None)
@given(RATINGS, st.floats(0.1, 5), st.floats(0, 5))
def test_alpha_knows_of_its_numbers_what_its_level_says(
    pairs: list[tuple[int, int]], unit: float, shift: float
) -> None:
    both = [[float(x) for x in rater] for rater in zip(*pairs, strict=True)]
    linear = [[unit * x + shift for x in rater] for rater in both]
    squared = [[x**2 for x in rater] for rater in both]
    for measurement, same in (("nominal", squared), ("ordinal", squared), ("interval", linear)):
        here = ag.krippendorff_alpha(both, measurement=measurement)
        there = ag.krippendorff_alpha(same, measurement=measurement)
        assert there.value == pytest.approx(here.value, abs=1e-6)
    scaled = ag.krippendorff_alpha([[unit * x for x in rater] for rater in both], measurement="ratio")
    assert scaled.value == pytest.approx(ag.krippendorff_alpha(both, measurement="ratio").value, abs=1e-6)


def test_alpha_of_words_in_their_declared_order() -> None:
    words, numbers = [["low", "mid", "high"], ["low", "high", "high"]], [[1, 2, 3], [1, 3, 3]]
    by_words = ag.krippendorff_alpha(words, ["low", "mid", "high"], measurement="ordinal")
    assert by_words.value == pytest.approx(ag.krippendorff_alpha(numbers, measurement="ordinal").value)
    assert ag.krippendorff_alpha(words).value is not None


def test_alpha_where_little_is_known() -> None:
    assert ag.krippendorff_alpha([[1, 1], [1, 1]]).value is None
    alone = ag.krippendorff_alpha([[1], [2]])
    assert alone.value == pytest.approx(0.0)
    assert alone.se is None
    # without the one deviating unit nothing could disagree
    assert ag.krippendorff_alpha([[1, 1, 2], [1, 1, 2]]).se is None


# -- numbers --------------------------------------------------------------------------------------------------------


def test_intraclass_correlations_of_shrout_and_fleiss() -> None:
    # given their table 2: six targets, four judges
    table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = ag.intraclass_correlations(table)
    assert found.one_way.value == pytest.approx(0.17, abs=5e-3)
    assert found.two_way_random.value == pytest.approx(0.29, abs=5e-3)
    assert found.two_way_mixed.value == pytest.approx(0.71, abs=5e-3)
    # then the bounds that R's psych and irr give
    assert found.one_way.ci_low == pytest.approx(-0.133, abs=5e-4)
    assert found.one_way.ci_high == pytest.approx(0.723, abs=5e-4)
    assert found.two_way_random.ci_low == pytest.approx(0.019, abs=5e-4)
    assert found.two_way_random.ci_high == pytest.approx(0.761, abs=5e-4)
    assert found.two_way_mixed.ci_low == pytest.approx(0.342, abs=5e-4)
    assert found.two_way_mixed.ci_high == pytest.approx(0.946, abs=5e-4)
    f = found.ms_rows / found.ms_error
    assert found.two_way_mixed.ci_low == pytest.approx(
        (f / f_quantile(0.975, 5, 15) - 1) / (f / f_quantile(0.975, 5, 15) + 3)
    )


def test_consistency_forgives_a_rater_who_is_always_higher() -> None:
    x = np.array([1.0, 4.0, 2.0, 8.0])
    found = ag.intraclass_correlations(np.column_stack([x, x + 3]))
    assert found.two_way_mixed.value == pytest.approx(1.0)
    assert found.two_way_random.value < 0.9
    assert found.ms_error == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("table", [[[1, 1], [3, 3]], [[1, 1], [4, 4], [2, 2]], [[0.1] * 3, [0.7] * 3, [0.3] * 3]])
def test_perfect_agreement_is_certain(table: list[list[float]]) -> None:
    found = ag.intraclass_correlations(table)
    for coefficient in (found.one_way, found.two_way_random, found.two_way_mixed):
        assert (coefficient.value, coefficient.ci_low, coefficient.ci_high) == pytest.approx((1.0, 1.0, 1.0))


def test_raters_who_contradict_each_other_agree_less_than_chance() -> None:
    found = ag.intraclass_correlations([[0, 1], [1, 0], [1, 0]])
    assert found.one_way.value == pytest.approx(-1.0)
    random = found.two_way_random
    assert random.ci_low <= random.value + 1e-9
    assert random.value <= random.ci_high + 1e-9


def test_targets_with_a_missing_rating_are_left_out() -> None:
    table: list[list[float | None]] = [[1, 2], [4, None], [2, 2], [5, 4]]
    found = ag.intraclass_correlations(table)
    assert (found.n, found.k, found.omitted) == (3, 2, 1)


def test_limits_of_agreement_by_hand() -> None:
    found = ag.bland_altman([5, 7, 9, None], [4, 8, 6, 5])
    d = np.array([1, -1, 3])
    assert found.bias.value == pytest.approx(1.0)
    assert found.sd == pytest.approx(d.std(ddof=1))
    assert (found.n, found.omitted) == (3, 1)
    assert found.upper.value == pytest.approx(1 + 1.959963984540054 * 2)
    assert found.limit_se == pytest.approx(2 * sqrt(1 / 3 + 1.959963984540054**2 / 4))
    assert found.bias.ci_high == pytest.approx(1 + t_quantile(0.975, 2) * 2 / sqrt(3))
    assert found.lower.ci_low == pytest.approx(1 - 1.959963984540054 * 2 - t_quantile(0.975, 2) * found.limit_se)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=2, max_size=20), st.floats(-9, 9))
def test_exchanging_the_methods_turns_the_limits_around(pairs: list[tuple[float, float]], shift: float) -> None:
    x, y = (np.array(side) for side in zip(*pairs, strict=True))
    here, back = ag.bland_altman(x, y), ag.bland_altman(y + shift, x + shift)
    assert back.lower.value == pytest.approx(-here.upper.value, abs=1e-7)
    assert back.bias.ci_low == pytest.approx(-here.bias.ci_high, abs=1e-7)
    assert here.lower.value <= here.bias.value <= here.upper.value


# -- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compute", "error", "sentence"),
    [
        (lambda: ag.cohen_kappa([1, 2], [1, 2], weights="linear"), InvalidInput, "declared order"),
        (lambda: ag.cohen_kappa([1, 2], [1, 2], weights="cubic"), UnknownOption, "there are none"),
        (lambda: ag.cohen_kappa([1, None], [None, 1]), TooFewEffects, "both raters rated"),
        (lambda: ag.cohen_kappa([1], [1, 2]), InvalidInput, "the same units"),
        (lambda: ag.cohen_kappa([1], [3], [1, 2]), InvalidInput, "3 is not among the categories 1, 2"),
        (lambda: ag.cohen_kappa([1], [1], [1, 1]), InvalidInput, "declared twice"),
        (lambda: ag.gwet_ac1([[1], [1]], level=2), InvalidInput, "between 0 and 1"),
        (lambda: ag.krippendorff_alpha([[1], [None]]), TooFewEffects, "two ratings"),
        (lambda: ag.krippendorff_alpha([[1], [2]], measurement="log"), UnknownOption, "there are nominal"),
        (lambda: ag.krippendorff_alpha([["a"], ["b"]], measurement="ordinal"), InvalidInput, "declared order"),
        (lambda: ag.krippendorff_alpha([["a"], ["b"]], measurement="interval"), InvalidInput, "needs numbers"),
        (lambda: ag.krippendorff_alpha([[-1], [2]], measurement="ratio"), InvalidInput, "below zero"),
        (lambda: ag.intraclass_correlations([[1, 1], [1, 1]]), NotEstimable, "the same ratings"),
        (lambda: ag.intraclass_correlations([[1, 2], [2, 1]]), NotEstimable, "too contrary"),
        (lambda: ag.intraclass_correlations([[1, 2], [1, 2]]), NotEstimable, "the same ratings"),
        (lambda: ag.intraclass_correlations([[1, 2]]), TooFewEffects, "two complete targets"),
        (lambda: ag.intraclass_correlations([[1], [2]]), TooFewEffects, "two raters"),
        (lambda: ag.intraclass_correlations([1, 2]), InvalidInput, "must be a table"),
        (lambda: ag.intraclass_correlations(np.array([["a", "b"]])), InvalidInput, "table of numbers"),
        (lambda: ag.intraclass_correlations(np.array([[np.inf, 2], [1, 2]])), InvalidInput, "infinite"),
        (lambda: ag.bland_altman([1], [2]), TooFewEffects, "two pairs"),
    ],
)
def test_what_cannot_be_is_refused(compute: Callable[[], object], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        compute()
