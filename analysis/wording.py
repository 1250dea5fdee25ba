"""Results in words and figures, by fixed rules: g to two decimals, p without a leading zero, no adjective beyond
what the interval says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.models import PooledResult

MINUS = "−"
NOTHING = "–"


def decimals(value: float | None, places: int = 2) -> str:
    """−0.05 with a true minus; a value that rounds to zero has no sign."""
    if value is None:
        return NOTHING
    text = f"{value:.{places}f}"
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def interval(low: float | None, high: float | None, places: int = 2) -> str:
    return NOTHING if low is None or high is None else f"{decimals(low, places)} to {decimals(high, places)}"


def slope(value: float | None) -> str:
    """A coefficient of a meta-regression, in units of its moderator: three significant digits."""
    if value is None:
        return NOTHING
    text = f"{value:.3g}"
    return text.replace("-", MINUS) if "e" not in text else f"{value:.6f}".replace("-", MINUS)


def p_value(p: float | None) -> str:
    if p is None:
        return NOTHING
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def percent(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0f}%"


def degrees(df: float | None) -> str:
    return NOTHING if df is None else f"{df:.1f}"


def level(fraction: float) -> str:
    """0.95 is "95%", 0.999 is "99.9%"."""
    return f"{100 * fraction:.4g}%"


def test(result: PooledResult) -> str:
    """ "t(51.1) = 2.09, p = .042", with z where the test is normal and F where a factor is tested."""
    if result.statistic is None:
        return NOTHING
    if result.df_num is not None:
        name = f"F({result.df_num:.0f}, {degrees(result.df)})"
    else:
        name = "z" if result.df is None else f"t({degrees(result.df)})"
    p = p_value(result.p)
    return f"{name} = {decimals(result.statistic)}, p {p if p.startswith('<') else f'= {p}'}"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the parts that a review also pools alone: its name, estimate and interval."""

    name: str
    estimate: float
    low: float
    high: float


def lead_sentences(name: str, result: PooledResult, interval_level: float, parts: Sequence[Part]) -> list[str]:
    """What the page found, in one to three sentences."""
    low, high = result.ci_low, result.ci_high
    if result.estimate is None or low is None or high is None:
        return []
    said = f"g {decimals(result.estimate)}, {level(interval_level)} CI {interval(low, high)}"
    if low > 0:
        sentences = [f"{name}: the intervention does better than control ({said})."]
    elif high < 0:
        sentences = [f"{name}: the intervention does worse than control ({said})."]
    else:
        sentences = [f"{name}: no clear difference between intervention and control ({said}; it holds 0)."]
    if result.few_df:
        sentences.append("With fewer than 4 degrees of freedom this interval cannot be relied on.")
    if parts:
        sentences.append(_of_parts(parts))
    return sentences


def _of_parts(parts: Sequence[Part]) -> str:
    above = [part for part in parts if part.low > 0]
    below = [part for part in parts if part.high < 0]
    if not above and not below:
        return f"The interval of each of the {len(parts)} markers alone holds 0."
    clear = []
    if above:
        clear.append(f"lies above 0 for {_listed(above)}")
    if below:
        clear.append(f"lies below 0 for {_listed(below)}")
    others = len(parts) - len(above) - len(below)
    rest = f"; it holds 0 for the other {others}" if others else ""
    return f"Of the {len(parts)} markers alone, the interval {' and '.join(clear)}{rest}."


def _listed(parts: Sequence[Part]) -> str:
    named = [f"{part.name} ({decimals(part.estimate)})" for part in sorted(parts, key=lambda p: -abs(p.estimate))]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def share(value: float | None) -> str:
    """A share, 0 to 1, in percent with one decimal; nothing is rounded up to all or down to none."""
    if value is None:
        return NOTHING
    text = f"{100 * value:.1f}"
    if (value < 1.0 and text == "100.0") or (value > 0.0 and text == "0.0"):
        return "> 99.9%" if value > 0.5 else "< 0.1%"
    return f"{text.removesuffix('.0')}%"
