"""Two spreads: the same kind, an exact conversion, or a hint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from extraction.record import (
    CentreKind,
    Observation,
    Quantity,
    Side,
    Spread,
    SpreadKind,
    Status,
    Verdict,
)
from tests.extraction.entries import (
    cell,
    ci,
    compared,
    entry,
    one_number,
    sd,
    se,
    the_one,
    two_ends,
    verdict_of,
)

IDENTICAL, ROUNDING, EQUIVALENT = Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.EQUIVALENT
ONE_MISSING, DIFFERENT = Verdict.ONE_MISSING, Verdict.DIFFERENT
A, B = Side.A, Side.B


@pytest.mark.parametrize(
    ("a", "b", "verdict", "takes"),
    [
        (sd("2.1"), sd("2.1"), IDENTICAL, None),
        (sd("4.25464"), sd("4.25"), ROUNDING, A),
        (sd("2.1"), sd("2.2"), DIFFERENT, None),
        (se("0.42"), se("0.42"), IDENTICAL, None),
        (sd("2.1"), se("0.42"), EQUIVALENT, A),
        (se("0.42"), sd("2.1"), EQUIVALENT, B),
        (se("0.42"), sd("2.2"), DIFFERENT, None),
        (se("0.4"), sd("2.25"), EQUIVALENT, B),  # 0.45 × 5
        (se("0.4"), sd("2.3"), EQUIVALENT, B),  # 0.45 × 5 = 2.25: both ends count
        (se("0.4"), sd("2.4"), DIFFERENT, None),
        (se("0"), sd("2.1"), DIFFERENT, None),
        (sd("2.1"), sd("NR"), ONE_MISSING, None),
        (sd(""), sd("2.1"), ONE_MISSING, None),
        (sd("NR"), sd("NM"), DIFFERENT, None),
        (sd("NR"), se(""), IDENTICAL, None),
        (sd("<2.1"), sd("2.1"), DIFFERENT, None),
        (sd("<2.1"), se("0.42"), DIFFERENT, None),
        (sd("2.1"), one_number(SpreadKind.UNLABELLED, "2.1"), DIFFERENT, None),
        (sd("2.1"), one_number(SpreadKind.GEOMETRIC_SD, "2.1"), DIFFERENT, None),
        # t with 24 df: 2.0639 at 95 %, 1.7109 at 90 %
        (ci("2.233", "3.967"), sd("2.1"), EQUIVALENT, B),
        (ci("2.233", "3.967"), se("0.42"), EQUIVALENT, B),
        (se("0.42"), ci("2.233", "3.967"), EQUIVALENT, A),
        (ci("2.381", "3.819", 90.0), ci("2.233", "3.967"), EQUIVALENT, A),
        (ci("2.233", "3.967", 90.0), ci("2.233", "3.967"), DIFFERENT, None),
        (ci("2.233", "3.967", None), ci("2.233", "3.967"), DIFFERENT, None),
        (ci("2.233", "3.967", 20.0), sd("2.1"), DIFFERENT, None),
        (ci("3", "3"), sd("2.1"), DIFFERENT, None),
        (ci("2.233", "3.967", None), ci("2.23", "3.967", None), ROUNDING, A),
        (ci("2.23", "3.967"), ci("2.233", "3.97"), ROUNDING, A),  # each finer at one end: a tie
        (ci("2.23", "3.97"), ci("2.233", "3.967"), ROUNDING, B),
        (ci("2.23", "3.967"), ci("2.233", "3.967"), ROUNDING, B),
        (ci("2.233", "3.967"), ci("2.233", "3.9"), DIFFERENT, None),
        (two_ends(SpreadKind.IQR, "1", "3"), two_ends(SpreadKind.IQR, "1", "3"), IDENTICAL, None),
        (two_ends(SpreadKind.IQR, "1", "3"), two_ends(SpreadKind.RANGE, "1", "3"), DIFFERENT, None),
        (two_ends(SpreadKind.IQR, "1.0", "2.9"), one_number(SpreadKind.IQR, "1.9"), EQUIVALENT, A),
        (one_number(SpreadKind.IQR, "1.9"), two_ends(SpreadKind.IQR, "1.0", "2.9"), EQUIVALENT, B),
        (one_number(SpreadKind.IQR, "2.9"), two_ends(SpreadKind.IQR, "1.0", "2.9"), DIFFERENT, None),
        (one_number(SpreadKind.IQR, "<1.9"), two_ends(SpreadKind.IQR, "1.0", "2.9"), DIFFERENT, None),
        (one_number(SpreadKind.IQR, "1.9"), one_number(SpreadKind.IQR, "1.9"), IDENTICAL, None),
        (replace(ci("1", "3"), high=None, high_printed=""), sd("2"), DIFFERENT, None),
        (replace(ci("1", "3"), high=None, high_printed=""), one_number(SpreadKind.CI, "2"), DIFFERENT, None),
    ],
)
def test_two_spreads(a: Spread, b: Spread, verdict: Verdict, takes: Side | None) -> None:
    assert verdict_of(cell(spread=a), cell(spread=b), "spread") == (verdict, takes)


def test_an_equivalence_shows_its_sum() -> None:
    found = the_one(compared(entry(cell(spread=se("0.42"))), entry(cell(spread=sd("2.1")))))
    assert (found.a_says, found.b_says) == ("SE 0.42", "SD 2.1")
    assert found.worked == "SE 0.42 × √25 = SD 2.1; SD 2.1"
    found = the_one(compared(entry(cell(spread=ci("2.233", "3.967"))), entry(cell())))
    assert (found.a_says, found.b_says) == ("95% CI 2.233 to 3.967", "SD 2.1")
    assert found.worked == "95% CI of width 1.734 / (2 × 2.064) × √25 = SD 2.10039; SD 2.1"


def test_each_side_is_converted_by_its_own_n() -> None:
    # given SE 0.42 with 16 in A and SE by CI with 25 in B: both are an SD of 1.68, not one SE
    a = cell(n="16", spread=se("0.42"))
    b = cell(n="25", spread=ci("2.4064", "3.7936"))
    found = {difference.field: difference for difference in compared(entry(a), entry(b))}
    assert found["n"].verdict == DIFFERENT
    assert found["spread"].verdict == EQUIVALENT
    assert found["spread"].worked.endswith("n differs, and each side is converted by its own")
    # and with A's n for both they would not meet
    assert verdict_of(a, replace(b, n=a.n), "spread") == (DIFFERENT, None)


@pytest.mark.parametrize("n", ["", "NR"])
def test_an_se_without_n_is_not_converted(n: str) -> None:
    a, b = cell(n=n, spread=se("0.42")), cell(n=n)
    found = the_one(compared(entry(a), entry(b)))
    assert (found.verdict, found.worked) == (DIFFERENT, "Not converted: n is not given as a whole number.")
    # and where the other form is none that n would help with, n is not blamed
    b = cell(n=n, spread=one_number(SpreadKind.UNLABELLED, "2.1"))
    assert the_one(compared(entry(a), entry(b))).worked == ""


@pytest.mark.parametrize("n", [Quantity(Status.REPORTED, "~25", 25.0), Quantity(Status.REPORTED, "25.5", 25.5)])
def test_an_n_that_is_not_whole_converts_nothing(n: Quantity) -> None:
    n = replace(n, qualifier="~") if n.printed == "~25" else n  # type: ignore[arg-type]
    a, b = replace(cell(spread=se("0.42")), n=n), replace(cell(), n=n)
    assert verdict_of(a, b, "spread") == (DIFFERENT, None)


def test_one_person_has_no_confidence_interval() -> None:
    a, b = cell(n="1", spread=ci("1", "3")), cell(n="1", spread=sd("2"))
    assert verdict_of(a, b, "spread") == (DIFFERENT, None)


@pytest.mark.parametrize("kind", [CentreKind.ADJUSTED_MEAN, CentreKind.MEDIAN, CentreKind.EVENTS])
def test_the_se_of_another_centre_than_a_mean_is_no_sd(kind: CentreKind) -> None:
    a, b = cell(spread=se("0.42"), centre_kind=kind), cell(centre_kind=kind)
    assert verdict_of(a, b, "spread") == (DIFFERENT, None)


@pytest.mark.parametrize(
    ("row", "hint"),
    [
        (cell(spread=two_ends(SpreadKind.IQR, "1", "4")), "A is about SD 2.358"),
        (cell(spread=one_number(SpreadKind.IQR, "3")), "A is about SD 2.358"),
        (cell(spread=two_ends(SpreadKind.RANGE, "1", "9")), "A is about SD 2.036"),
        (
            cell(centre="2", centre_kind=CentreKind.GEOMETRIC_MEAN, spread=one_number(SpreadKind.GEOMETRIC_SD, "2")),
            "A is about SD 1.997",
        ),
    ],
)
def test_an_estimate_is_a_hint(row: Observation, hint: str) -> None:
    """Wan 2014: n 25, IQR 3, range 8. Log-normal: exp(ln 2 + s²/2) √(exp s² - 1) with s = ln 2."""
    b = replace(row, spread=sd("2.35"))
    found = the_one(compared(entry(row), entry(b)))
    assert (found.verdict, found.takes) == (DIFFERENT, None)
    assert found.worked.startswith(hint)


@pytest.mark.parametrize(
    "row",
    [
        cell(n="1", spread=one_number(SpreadKind.IQR, "3")),
        cell(spread=one_number(SpreadKind.GEOMETRIC_SD, "2")),
        cell(centre_kind=CentreKind.GEOMETRIC_MEAN, spread=one_number(SpreadKind.GEOMETRIC_SD, "1001")),
        cell(centre_kind=CentreKind.GEOMETRIC_MEAN, centre="NR", spread=one_number(SpreadKind.GEOMETRIC_SD, "2")),
        cell(spread=one_number(SpreadKind.UNLABELLED, "2")),
        cell(spread=replace(sd("x1"[1:]), kind=SpreadKind.RANGE, value=float("inf"), printed="")),
    ],
)
def test_no_hint_where_nothing_can_be_estimated(row: Observation) -> None:
    assert the_one(compared(entry(row), entry(replace(row, spread=sd("2.35"))))).worked == ""


@pytest.mark.parametrize(
    ("spread", "hint"),
    [
        (two_ends(SpreadKind.RANGE, "1", "6"), "A is about mean 3.3:"),
        (sd("2.1"), ""),
        (one_number(SpreadKind.IQR, "2"), ""),
        (ci("1", "6"), ""),
    ],
)
def test_a_median_hints_at_its_mean(spread: Spread, hint: str) -> None:
    a, b = cell(spread=spread, centre_kind=CentreKind.MEDIAN), cell(spread=spread, centre="4")
    assert the_one(compared(entry(a), entry(b))).worked.startswith(hint)


def test_a_geometric_mean_hints_at_its_mean() -> None:
    spread = one_number(SpreadKind.GEOMETRIC_SD, "2")
    a, b = cell(centre="2", spread=spread, centre_kind=CentreKind.GEOMETRIC_MEAN), cell(spread=spread)
    assert the_one(compared(entry(a), entry(b))).worked.startswith("A is about mean 2.543:")
