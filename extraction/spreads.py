"""Whether two spreads say the same: by the same kind, or exactly converted to SD.

Exact is what follows from the definition: SD = SE × √n, and SE = width of the CI / (2 t) with t of n - 1 degrees
of freedom, both of a plain mean. All else (IQR, range, geometric, adjusted, unlabelled) is never converted here;
see `extraction.estimates` for what is shown as a hint.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from scipy.special import stdtrit

from extraction.agreement import DIFFERENT, Finding, by_status, compare_printed, converted
from extraction.estimates import sd_hint
from extraction.printed import Printed, in_words, root
from extraction.record import (
    TWO_ENDED,
    CentreKind,
    Observation,
    Qualifier,
    Side,
    Spread,
    SpreadKind,
    Status,
    Verdict,
)
from extraction.side_by_side import status_of, whole_n

NEARNESS = (SpreadKind.SD, SpreadKind.SE, SpreadKind.CI)  # to mean and SD
WITHOUT_UNIT = frozenset({SpreadKind.GEOMETRIC_SD})

_PLAIN_CENTRES = frozenset({CentreKind.NONE, CentreKind.MEAN})


@dataclass(frozen=True, slots=True)
class AsSD:
    """A spread as an SD, and the sum that gave it."""

    sd: Printed
    sum: str
    n: int | None  # that was needed


def compare_spreads(a: Observation, b: Observation, factor: Fraction = Fraction(1)) -> Finding:
    """What the spreads of two matched observations say together; `factor` turns A's unit into B's."""
    stated = by_status(status_of(a.spread), status_of(b.spread))
    if stated is not None:
        return stated
    if a.spread.kind is b.spread.kind:
        same = _same_kind(a.spread, b.spread, Fraction(1) if a.spread.kind in WITHOUT_UNIT else factor)
        if same is not None:
            return same
    in_sd_a, in_sd_b = as_sd(a), as_sd(b)
    if in_sd_a is None or in_sd_b is None:
        return Finding(Verdict.DIFFERENT, _why_not(a, b) or sd_hint(a, b))
    return _converted(a.spread, b.spread, in_sd_a, in_sd_b, factor)


def compare_intervals(a: Spread, b: Spread, factor: Fraction = Fraction(1)) -> Finding:
    """What the CIs of two differences say together; two levels of confidence are never converted."""
    stated = by_status(status_of(a), status_of(b))
    if stated is not None:
        return stated
    return (_same_kind(a, b, factor) if a.kind is b.kind else None) or DIFFERENT


def as_sd(row: Observation) -> AsSD | None:
    """The spread of an observation as an SD, by its own n; None where that is not exact."""
    spread = row.spread
    if row.centre_kind not in _PLAIN_CENTRES or spread.qualifier is not Qualifier.EQUAL:
        return None
    if spread.kind is SpreadKind.CI:
        return _of_interval(spread, whole_n(row))
    value = Printed.of(spread.printed, spread.value)
    if value is None or value.value <= 0:
        return None  # a printed 0 has no digit to convert
    if spread.kind is SpreadKind.SD:
        return AsSD(value, f"SD {in_words(value.value)}", None)
    n = whole_n(row)
    if spread.kind is not SpreadKind.SE or n is None:
        return None
    sd = value.times(root(n))
    return AsSD(sd, f"SE {in_words(value.value)} × √{n} = SD {in_words(sd.value)}", n)


def says(spread: Spread) -> str:
    """A spread as it is shown: "SD 2.1", "95% CI 1.2 to 3.4", "NR", "–"."""
    status = status_of(spread)
    if status is not Status.REPORTED:
        return status.value or "–"
    kind = _NAMES[spread.kind]
    if spread.kind is SpreadKind.CI and spread.level is not None:
        kind = f"{spread.level:g}% CI"
    if spread.low is None and spread.high is None:
        return f"{kind} {spread.printed or spread.value}".strip()
    return f"{kind} {spread.low_printed or spread.low} to {spread.high_printed or spread.high}".strip()


_NAMES = {
    SpreadKind.NONE: "",
    SpreadKind.SD: "SD",
    SpreadKind.SE: "SE",
    SpreadKind.CI: "CI",
    SpreadKind.IQR: "IQR",
    SpreadKind.RANGE: "range",
    SpreadKind.GEOMETRIC_SD: "geometric SD",
    SpreadKind.UNLABELLED: "unlabelled",
}


def _same_kind(a: Spread, b: Spread, factor: Fraction) -> Finding | None:
    """By the same kind; None where only a conversion can tell (two levels of a CI)."""
    if a.level != b.level and a.kind is SpreadKind.CI:
        return None
    if a.kind in TWO_ENDED and a.low is not None and b.low is not None:
        return _both_ends(a, b, factor)
    if a.kind in TWO_ENDED and (a.low is None) != (b.low is None):
        return _width_and_ends(a, b, factor)
    if a.qualifier is not b.qualifier:
        return DIFFERENT
    return compare_printed((a.printed, a.value), (b.printed, b.value), factor)


def _both_ends(a: Spread, b: Spread, factor: Fraction) -> Finding:
    low = compare_printed((a.low_printed, a.low), (b.low_printed, b.low), factor)
    high = compare_printed((a.high_printed, a.high), (b.high_printed, b.high), factor)
    worse = max((low, high), key=lambda finding: _ORDER.index(finding.verdict))
    if worse.verdict is not Verdict.ROUNDING:
        return worse
    rounded = [finding for finding in (low, high) if finding.verdict is Verdict.ROUNDING]
    worked = "; ".join(finding.worked for finding in rounded)
    finer_b = all(finding.takes is Side.B for finding in rounded)
    return Finding(Verdict.ROUNDING, worked, Side.B if finer_b else Side.A)


_ORDER = (Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.EQUIVALENT, Verdict.DIFFERENT)


def _width_and_ends(a: Spread, b: Spread, factor: Fraction) -> Finding:
    """An IQR or range printed once as a width and once as two ends; the ends say more."""
    width_a, width_b = _width(a), _width(b)
    if width_a is None or width_b is None or a.qualifier is not b.qualifier:
        return DIFFERENT
    ends, side = (b, Side.B) if a.low is None else (a, Side.A)
    worked = f"{ends.high_printed or ends.high} − {ends.low_printed or ends.low} is the width"
    if not width_a.times(factor).meets(width_b):
        return DIFFERENT
    return Finding(Verdict.EQUIVALENT, worked, side if factor == 1 else Side.A)


def _width(spread: Spread) -> Printed | None:
    if spread.low is None:
        return Printed.of(spread.printed, spread.value)
    low, high = Printed.of(spread.low_printed, spread.low), Printed.of(spread.high_printed, spread.high)
    return None if low is None or high is None else low.below(high)


def _of_interval(spread: Spread, n: int | None) -> AsSD | None:
    level, width = spread.level, _width(spread)
    if level is None or not 50 <= level < 100 or n is None or n < 2 or spread.low is None:
        return None
    if width is None or width.value <= 0:
        return None
    t = float(stdtrit(n - 1, 0.5 + level / 200))
    sd = width.times(root(n) / (2 * Fraction(t)))
    shown = f"{level:g}% CI of width {in_words(width.value)} / (2 × {t:.4g}) × √{n} = SD {in_words(sd.value)}"
    return AsSD(sd, shown, n)


def _converted(a: Spread, b: Spread, in_sd_a: AsSD, in_sd_b: AsSD, factor: Fraction) -> Finding:
    worked = "; ".join((in_sd_a.sum + converted(in_sd_a.sd.value, factor), in_sd_b.sum))
    used = {found.n for found in (in_sd_a, in_sd_b)} - {None}
    if len(used) == 2:
        worked += "; n differs, and each side is converted by its own"
    if not in_sd_a.sd.times(factor).meets(in_sd_b.sd):
        return Finding(Verdict.DIFFERENT, worked)
    nearer_b = factor == 1 and NEARNESS.index(b.kind) < NEARNESS.index(a.kind)
    return Finding(Verdict.EQUIVALENT, worked, Side.B if nearer_b else Side.A)


def _why_not(a: Observation, b: Observation) -> str:
    """Why an SE or a CI cannot be brought to the other side's form."""
    needs_n = [row for row in (a, b) if row.spread.kind in {SpreadKind.SE, SpreadKind.CI}]
    if any(whole_n(row) is None for row in needs_n) and {a.spread.kind, b.spread.kind} <= set(NEARNESS):
        return "Not converted: n is not given as a whole number."
    return ""
