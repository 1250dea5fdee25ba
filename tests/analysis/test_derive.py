"""From what a report prints of a group to its n, mean and SD; expected values worked out by hand or from the source."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import pytest

from analysis.derive import NotUsable, group
from extraction.record import Arm, CentreKind, Observation, Qualifier, Quantity, Spread, SpreadKind, Status

ARM = Arm("arm", "CBT", n_randomised=Quantity(Status.REPORTED, "30", 30.0))
SAID = Status.REPORTED
ETA = 2 * NormalDist().inv_cdf((0.75 * 25 - 0.125) / (25 + 0.25))  # the IQR of 25 normal values, in SDs


def number(text: str, qualifier: Qualifier = Qualifier.EQUAL) -> Quantity:
    return Quantity(SAID, text, float(text), qualifier)


def spread(kind: SpreadKind, *values: float, level: float | None = None) -> Spread:
    if len(values) == 2:
        return Spread(kind, SAID, low=values[0], high=values[1], level=level)
    return Spread(kind, SAID, str(values[0]), values[0])


def cell(**columns: Any) -> Observation:
    said = {
        "n": number("25"),
        "centre_kind": CentreKind.MEAN,
        "centre": number("10"),
        "spread": spread(SpreadKind.SD, 2.1),
    }
    return Observation("cell", "arm", "time", "outcome", **{**said, **columns})


def test_a_mean_with_its_sd_is_taken_as_it_is() -> None:
    found = group(cell(), ARM)
    assert (found.n, found.mean, found.sd, found.steps) == (25.0, 10.0, 2.1, ())


def test_a_standard_error_gives_the_sd_and_says_how() -> None:
    found = group(cell(spread=spread(SpreadKind.SE, 0.42)), ARM)
    assert found.sd == pytest.approx(2.1)
    (step,) = found.steps
    assert (step.formula, step.inputs, step.assumption) == ("SD = SE × √n", {"SE": 0.42, "n": 25.0}, "")


def test_an_interval_gives_the_sd_by_t_with_its_own_level() -> None:
    # t(24) = 2.0639 at 95% and 1.7109 at 90%: √25 × 2 / (2 t)
    for level, t in ((95.0, 2.0639), (90.0, 1.7109)):
        found = group(cell(spread=spread(SpreadKind.CI, 9.0, 11.0, level=level)), ARM)
        assert found.sd == pytest.approx(5 / t, rel=1e-4)
    assert found.assumptions


def test_quartiles_with_a_median_give_estimates_that_are_marked() -> None:
    # Luo et al. 2018 for the mean, Wan et al. 2014 for the SD
    found = group(cell(centre_kind=CentreKind.MEDIAN, spread=spread(SpreadKind.IQR, 8.5, 11.7)), ARM)
    w = 0.7 + 0.39 / 25
    assert found.mean == pytest.approx(w * (8.5 + 11.7) / 2 + (1 - w) * 10)
    assert found.sd == pytest.approx(3.2 / ETA, rel=1e-9)
    assert [step.what for step in found.steps] == ["mean of CBT", "SD of CBT"]
    assert all("normal" in step.assumption for step in found.steps)


def test_the_width_of_an_iqr_beside_a_mean_gives_an_sd() -> None:
    assert group(cell(spread=spread(SpreadKind.IQR, 3.2)), ARM).sd == pytest.approx(3.2 / ETA, rel=1e-9)


def test_a_geometric_mean_is_taken_back_to_the_raw_scale() -> None:
    # μ = ln 2, σ = ln 1.5: mean = exp(μ + σ²/2)
    found = group(
        cell(centre_kind=CentreKind.GEOMETRIC_MEAN, centre=number("2"), spread=spread(SpreadKind.GEOMETRIC_SD, 1.5)),
        ARM,
    )
    assert found.mean == pytest.approx(2 * 1.08567, rel=1e-4)
    assert "the outcome is log-normal" in found.assumptions


def test_n_that_is_not_reported_is_n_randomised_and_marked() -> None:
    found = group(cell(n=Quantity(Status.NOT_REPORTED)), ARM)
    assert found.n == 30.0
    assert found.assumptions == ["n of CBT is not reported: all who were randomised are taken"]


def test_approximate_and_adjusted_numbers_are_used_and_marked() -> None:
    found = group(cell(centre=number("10", Qualifier.ABOUT), centre_kind=CentreKind.ADJUSTED_MEAN), ARM)
    assert found.mean == 10.0
    assert len(found.assumptions) == 2


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"centre": Quantity(Status.NOT_REPORTED)}, "The mean of CBT is not reported."),
        ({"spread": Spread(status=Status.UNCLEAR)}, "The spread of CBT is unclear."),
        ({"centre": number("0.5", Qualifier.LESS)}, "The mean of CBT is printed as a bound, “0.5”."),
        ({"n": number("20", Qualifier.AT_LEAST)}, "The n is printed as a bound, “20”."),
        (
            {"spread": spread(SpreadKind.UNLABELLED, 2.0)},
            "The spread of CBT is not labelled: it may be an SD or an SE.",
        ),
        (
            {"centre_kind": CentreKind.MEDIAN},
            "CBT gives a median without both quartiles or both ends of the range.",
        ),
        (
            {"centre_kind": CentreKind.GEOMETRIC_MEAN},
            "CBT gives a geometric mean without a geometric SD or an interval.",
        ),
        ({"centre_kind": CentreKind.EVENTS}, "CBT gives events, of which no mean can be made."),
        ({"spread": spread(SpreadKind.GEOMETRIC_SD, 1.5)}, "The spread of CBT, geometric sd, gives no SD."),
        (
            {"centre_kind": CentreKind.MEDIAN, "spread": spread(SpreadKind.IQR, 9.9, 30.0)},
            "The values of CBT are skewed: a median does not tell their mean.",
        ),
    ],
)
def test_what_gives_no_mean_and_sd_says_why(columns: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotUsable) as caught:
        group(cell(**columns), ARM)
    assert str(caught.value) == reason


def test_a_conversion_that_the_engine_refuses_names_the_arm() -> None:
    with pytest.raises(NotUsable, match=r"^CBT: "):
        group(cell(n=number("1"), spread=spread(SpreadKind.CI, 9.0, 11.0, level=95.0)), ARM)


def test_without_any_n_there_is_no_group() -> None:
    nobody = Arm("arm", "CBT")
    with pytest.raises(NotUsable, match="n of CBT is not measured"):
        group(cell(n=Quantity(Status.NOT_MEASURED)), nobody)
