"""A contrast statistic from the texts in which a person gives it; what it may be depends on which statistic it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from extraction import numbers
from extraction.contrasts import DIFFERENCES, NAMES, read_df
from extraction.models import ContrastStatistic
from extraction.models.plain import interval_columns
from extraction.record import BETWEEN_ARMS, Qualifier, SpreadKind, Statistic, Subject
from extraction.typed_spread import SpreadProblem, read_spread

if TYPE_CHECKING:
    from extraction.typed import Reading

BOUNDS: Final = {
    Statistic.P: (0.0, 1.0, "a p lies between 0 and 1"),
    Statistic.P_CHANGE: (0.0, 1.0, "a p lies between 0 and 1"),
    Statistic.CORRELATION: (-1.0, 1.0, "a correlation lies between -1 and 1"),
    Statistic.SD_CHANGE: (0.0, numbers.LARGEST, "an SD cannot be negative"),
    Statistic.F: (0.0, numbers.LARGEST, "an F cannot be negative"),
}
ENDS: Final = ("ci_low", "ci_high", "ci_level")
TEXTS: Final = ("adjusted", "source_page", "source_place", "source_quote", "notes")


def read_contrast(read: Reading) -> None:
    """The columns of a contrast statistic, or what must be refused of it."""
    for subject in (Subject.OUTCOME, Subject.TIMEPOINT, Subject.ARM):
        read.own_row(subject.value, subject)
    read.own_row("versus", Subject.ARM, required=False)
    read.text(*TEXTS, model=ContrastStatistic)
    read.report("source_report")
    value = read.quantity("value")
    read.one_of("statistic", Statistic)
    known = read.columns.get("statistic")
    if known is None:
        return
    statistic = Statistic(known)
    if value.qualifier is Qualifier.BELOW_DETECTION:
        read.refuse("value", "LOD is the limit of detection of a measurement; a statistic has none.")
    _arms(read, statistic)
    if value.value is not None and statistic in BOUNDS:
        low, high, why = BOUNDS[statistic]
        if not low <= value.value <= high:
            read.refuse("value", f"{why}; {value.printed} was given.")
    _interval(read, statistic)
    try:
        df = read_df(read.values.get("df", ""), statistic)
    except numbers.NumberError as error:
        read.refuse("df", str(error))
    else:
        read.columns |= {"df": df.value, "df_printed": df.printed}


def _arms(read: Reading, statistic: Statistic) -> None:
    words = NAMES[statistic]
    versus = read.columns.get("versus_id")
    if statistic in BETWEEN_ARMS:
        if not read.values.get("versus", "").strip():
            read.refuse("versus", f"is needed: {words} compares two arms.")
        elif versus is not None and versus == read.columns.get("arm_id"):
            read.refuse("versus", "is the same arm; an arm is not compared with itself.")
    elif read.values.get("versus", "").strip():
        read.refuse("versus", f"stays empty: {words} is about the change within one arm.")


def _interval(read: Reading, statistic: Statistic) -> None:
    texts = {name: read.values.get(name, "").strip() for name in ENDS}
    given = next((name for name, text in texts.items() if text), None)
    if given is not None and statistic not in DIFFERENCES:
        read.refuse(given, f"stays empty: only a difference has a CI here, not {NAMES[statistic]}.")
        return
    try:
        interval = read_spread(
            spread_kind=SpreadKind.CI,
            spread="",
            spread_low=texts["ci_low"],
            spread_high=texts["ci_high"],
            spread_level=texts["ci_level"],
        )
    except SpreadProblem as problem:
        read.refuse(problem.field.replace("spread_", "ci_"), problem.message)
        return
    if interval.low is None and texts["ci_level"]:
        read.refuse("ci_level", "is the level of a CI; its two ends are not given.")
    read.columns |= interval_columns(interval)


def contrast_texts(row: Any) -> dict[str, str]:
    """The texts of a saved row that are not those of its columns; its value is read like any other quantity."""
    return {
        "outcome": str(row.outcome_id),
        "timepoint": str(row.timepoint_id),
        "arm": str(row.arm_id),
        "versus": str(row.versus_id or ""),
        "ci_low": row.ci_low_printed,
        "ci_high": row.ci_high_printed,
        "df": row.df_printed,
        "source_report": str(row.source_report_id or ""),
    }
