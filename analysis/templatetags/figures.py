"""Numbers of results as pages print them."""

from __future__ import annotations

from django.template import Library

from analysis import wording

register = Library()


@register.filter
def g(value: float | None) -> str:
    """Two decimals and a true minus."""
    return wording.decimals(value)


@register.filter
def g3(value: float | None) -> str:
    return wording.decimals(value, 3)


@register.filter
def g4(value: float | None) -> str:
    """Four decimals: differences between two ways of deciding are small."""
    return wording.decimals(value, 4)


@register.filter
def signed(value: float | None) -> str:
    """A change: four decimals with its sign; one that rounds to zero has none."""
    text = wording.decimals(value, 4)
    return f"+{text}" if value is not None and value > 0 and float(text) else text


@register.filter
def digits(value: float | None) -> str:
    """A number of the ledger: as many digits as tell it apart, a true minus."""
    return wording.NOTHING if value is None else f"{value:.6g}".replace("-", wording.MINUS)


@register.filter
def slope(value: float | None) -> str:
    return wording.slope(value)


@register.simple_tag
def slopes(low: float | None, high: float | None) -> str:
    return wording.NOTHING if low is None or high is None else f"{wording.slope(low)} to {wording.slope(high)}"


@register.filter
def p(value: float | None) -> str:
    return wording.p_value(value)


@register.filter
def df(value: float | None) -> str:
    return wording.degrees(value)


@register.filter
def percent(value: float | None) -> str:
    return wording.percent(value)


@register.filter
def share(value: float | None) -> str:
    return wording.share(value)


@register.filter
def coefficient(value: float | None) -> str:
    """An agreement coefficient: three decimals, never rounded up to 1."""
    if value is not None and 0.9995 <= value < 1.0:
        return "> .999"
    return wording.decimals(value, 3)


@register.filter
def level(value: float) -> str:
    return wording.level(value)


@register.simple_tag
def interval(low: float | None, high: float | None) -> str:
    return wording.interval(low, high)


@register.filter
def test(result: object) -> str:
    return wording.test(result)  # type: ignore[arg-type]  # templates pass what they were given
