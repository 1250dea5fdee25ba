"""One row of the sheet contrasts: which statistic it gives, and what it says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from extraction.contrasts import NAMES, read_df
from extraction.numbers import NumberError, format_value
from extraction.record import Qualifier, Statistic, Status
from extraction.workbook.cells import Code
from extraction.workbook.measured import SOURCE
from extraction.workbook.parsed import Said
from extraction.workbook.rows import RowReader, text_of

STATISTICS: Final[Mapping[str, str]] = {
    **{name.casefold(): one.value for one, name in NAMES.items()},
    **{one.value: one.value for one in Statistic},
    "md": Statistic.MEAN_DIFFERENCE.value,
    "difference": Statistic.MEAN_DIFFERENCE.value,
    "d": Statistic.SMD.value,
    "g": Statistic.SMD.value,
    "pre-post r": Statistic.CORRELATION.value,
}


def read_stated(row: RowReader) -> Said | None:
    """The statistic of a row with its value, CI, df, source and notes; None where it is not said which it is."""
    word = row.word("statistic", STATISTICS)
    value, level = row.quantity("value"), row.level("ci_level")
    ends = {name: end for name in ("ci_low", "ci_high") if (end := row.quantity(name)) is not None}
    if word is None:
        return None
    said = Said()
    said.say("statistic", word, row.place("statistic"))
    if value is not None:
        said.say("value", text_of(value), row.place("value"))
    for name, end in ends.items():
        if end.status is not Status.REPORTED or end.qualifier is not Qualifier.EQUAL:
            row.note(Code.VALUE, name, "The end of an interval is a plain number, or the cell stays empty.")
        else:
            said.say(name, end.printed, row.place(name))
    if level is not None:
        said.say("ci_level", format_value(level), row.place("ci_level"))
    df = row.text("df")
    if df is not None:
        try:
            said.say("df", read_df(df, Statistic(word)).printed, row.place("df"))
        except NumberError as refused:
            row.note(Code(refused.code), "df", str(refused))
    if not any(row.said(name) for name in ("value", "ci_low", "ci_high")):
        row.note(Code.CHECK, "statistic", "The row says nothing but where it belongs.")
    for column, field in (("adjusted", "adjusted"), *SOURCE):
        text = row.text(column)
        if text is not None:
            said.say(field, text, row.place(column))
    return said
