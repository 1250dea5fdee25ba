"""One row of the sheet observations: which time and outcome it speaks of, and what it says of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from extraction.numbers import format_value
from extraction.record import CentreKind, Condition, Phase, Qualifier, QuantityKind, Scale, SpreadKind, Status
from extraction.record import Quantity as Number
from extraction.workbook.cells import Code
from extraction.workbook.columns import CENTRES, ONE_NUMBER_SPREADS, TWO_ENDED_SPREADS, Vocabulary
from extraction.workbook.parsed import Key, Said
from extraction.workbook.rows import RowReader, text_of
from extraction.workbook.text import fold

PHASES: Mapping[str, tuple[Phase, QuantityKind]] = {
    **{phase.value: (phase, QuantityKind.SCORE) for phase in Phase},
    "change": (Phase.POST, QuantityKind.CHANGE),
    "during change": (Phase.DURING, QuantityKind.CHANGE),
    "follow-up change": (Phase.FOLLOW_UP, QuantityKind.CHANGE),
}
PHASE_WORDS = {word: word for word in PHASES} | {"followup": "follow-up", "follow up": "follow-up"}
SCALES: Mapping[str, tuple[Scale, str]] = {
    "raw": (Scale.RAW, ""),
    "log": (Scale.LOG, ""),
    "ln": (Scale.LOG, "e"),
    "log2": (Scale.LOG, "2"),
    "log10": (Scale.LOG, "10"),
    "ratio": (Scale.RATIO, ""),
    "percent": (Scale.PERCENT, ""),
}
SCALE_FORM = re.compile(r"(?P<word>[a-z]+(?:10|2)?)\s*(?:\(x\s*\+\s*(?P<offset>[0-9.]+)\))?", re.IGNORECASE)
SOURCE = (
    ("report", "source_report"),
    ("page", "source_page"),
    ("source", "source_place"),
    ("quote", "source_quote"),
    ("notes", "notes"),
)
CONDITIONS = {condition.value: condition.value for condition in Condition if condition}


def read_time(row: RowReader) -> tuple[Key, QuantityKind, Said] | None:
    """The timepoint of a row and whether it gives scores or changes from baseline; None where it was refused."""
    word, weeks, printed = row.word("phase", PHASE_WORDS), row.weeks("weeks"), row.text("timepoint")
    if (row.said("phase") and word is None) or (row.said("weeks") and weeks is None):
        return None
    if word is None and weeks is None:
        row.note(Code.VALUE, "weeks", "Neither “phase” nor “weeks” says which time this is.")
        return None
    phase, quantity = PHASES[word] if word else (Phase.POST if weeks else Phase.BASELINE, QuantityKind.SCORE)
    if weeks is not None and not _weeks_fit(row, word, phase, quantity, weeks):
        return None
    said = Said()
    said.say("phase", phase.value, row.place("phase" if word else "weeks"))
    if weeks is not None:
        said.say("weeks", format_value(weeks), row.place("weeks"))
    if printed is not None:
        said.say("printed", printed, row.place("timepoint"))
    return _time_key(phase, weeks, printed), quantity, said


def _weeks_fit(row: RowReader, word: str | None, phase: Phase, quantity: QuantityKind, weeks: float) -> bool:
    if weeks < 0 and phase is not Phase.BASELINE:
        row.note(Code.RANGE, "weeks", "Weeks from randomisation are negative at a baseline only.")
        return False
    if weeks > 0 and phase is Phase.BASELINE:
        row.note(Code.RANGE, "weeks", "A baseline lies at 0 weeks or before.")
        return False
    if weeks == 0 and quantity is QuantityKind.CHANGE:
        row.note(Code.RANGE, "weeks", "A change from baseline cannot be at 0 weeks.")
        return False
    if word and weeks == 0 and phase is not Phase.BASELINE:
        row.note(Code.CHECK, "weeks", f"“{word}” at 0 weeks.")
    return True


def _time_key(phase: Phase, weeks: float | None, printed: str | None) -> Key:
    if phase is Phase.BASELINE:
        return (phase.value,)
    if weeks is not None:
        return (phase.value, "weeks", format_value(weeks))
    return (phase.value, "printed", fold(printed or ""))


def read_outcome(row: RowReader, vocabulary: Vocabulary) -> tuple[Key, Said] | None:
    """The outcome of a row: the marker as printed, its code where the codebook knows it, and how it was measured."""
    name = row.text("marker")
    scale = _scale(row)
    condition = row.word("condition", CONDITIONS)
    if name is None or (row.said("scale") and scale is None) or (row.said("condition") and condition is None):
        return None
    said = Said()
    said.say("name", name, row.place("marker"))
    code = vocabulary.code("marker", name)
    if code is not None:
        said.say("marker", code, row.place("marker"))
    for column in ("unit", "specimen", "assay", "stimulus", "dose"):
        text = row.text(column)
        if text is not None:
            said.say(column, text, row.place(column))
    if condition is not None:
        said.say("condition", condition, row.place("condition"))
    for field, text in (scale or {}).items():
        said.say(field, text, row.place("scale"))
    return outcome_key(code or fold(name), said.values), said


OUTCOME_COORDINATES = ("specimen", "assay", "condition", "stimulus", "dose", "scale", "scale_base", "scale_offset")


def outcome_key(name: str, values: Mapping[str, str]) -> Key:
    """What tells two outcomes of one trial apart. The unit does not."""
    return (name, *(fold(values.get(field, "")) for field in OUTCOME_COORDINATES))


def _scale(row: RowReader) -> dict[str, str] | None:
    text = row.text("scale")
    if text is None:
        return None
    match = SCALE_FORM.fullmatch(text)
    known = SCALES.get(match["word"].lower()) if match else None
    offset = (match["offset"] if match else None) or ""
    if known is None or (offset and known[0] is not Scale.LOG):
        row.note(
            Code.VALUE, "scale", f"“{text}” is not one of {', '.join(SCALES)}, or a log with an offset: log10(x+1)."
        )
        return None
    return {"scale": known[0].value, "scale_base": known[1], "scale_offset": offset}


Numbers = Mapping[str, Number]


def read_observation(row: RowReader, quantity: QuantityKind, time: Said) -> Said:
    """n, one centre, one spread, the source and the notes of a row."""
    names = [*CENTRES, *ONE_NUMBER_SPREADS, *(end for pair in TWO_ENDED_SPREADS for end in pair)]
    numbers = {name: number for name in names if (number := row.quantity(name)) is not None}
    said = Said()
    said.say("quantity", quantity.value, time.places["phase"])
    n = row.count("n")
    if n is not None:
        said.say("n", text_of(n), row.place("n"))
    _say_centre(row, numbers, said)
    _say_spread(row, numbers, said)
    one = next((name for name in ONE_NUMBER_SPREADS if name in numbers and numbers[name].value is not None), None)
    if n is not None and n.value == 1 and one:
        row.note(Code.CHECK, "n", f"n is 1, but the row gives a {one}.")
    if "spread_kind" in said.values and not any(row.said(name) for name in CENTRES):
        row.note(Code.CHECK, said.places["spread_kind"].name, "The row gives a spread without a centre.")
    if not any(row.said(name) for name in (*names, "n")):
        row.note(Code.CHECK, "marker", "The row says nothing but where it belongs.")
    for column, field in SOURCE:
        text = row.text(column)
        if text is not None:
            said.say(field, text, row.place(column))
    return said


def _say_centre(row: RowReader, numbers: Numbers, said: Said) -> None:
    """The one centre that is reported; else the status on which the columns agree."""
    given = {name: numbers[name] for name in CENTRES if name in numbers}
    name = _spokesman(row, {name: value.status for name, value in given.items()}, "centre")
    if name is None:
        return
    value = given[name]
    if CENTRES[name] is CentreKind.EVENTS and value.value is not None and value.value < 0:
        row.note(Code.RANGE, name, "A number of events cannot be negative.")
    _check_inside(row, name, value, numbers)
    said.say("centre_kind", CENTRES[name].value, row.place(name))
    said.say("centre", text_of(value), row.place(name))


def _say_spread(row: RowReader, numbers: Numbers, said: Said) -> None:
    """The one spread that is reported; else the status on which the columns agree."""
    given: dict[str, Status] = {}
    for name in ONE_NUMBER_SPREADS:
        if name in numbers:
            _check_size(row, name, numbers[name])
            given[name] = numbers[name].status
    pairs = {pair[0]: pair for pair in TWO_ENDED_SPREADS if _ends_fit(row, pair, numbers)}
    given |= {low: numbers[low].status for low in pairs}
    level = row.level("ci_level")
    if level is not None and not row.said("ci_low"):
        row.note(Code.VALUE, "ci_level", "A level is given, but no confidence interval.")
    speaks = _spokesman(row, given, "spread")
    if speaks is None:
        return
    pair = pairs.get(speaks)
    kind = TWO_ENDED_SPREADS[pair] if pair else ONE_NUMBER_SPREADS[speaks]
    said.say("spread_kind", kind.value, row.place(speaks))
    if pair is None or given[speaks] is not Status.REPORTED:
        said.say("spread", text_of(numbers[speaks]), row.place(speaks))
        return
    for end, field in zip(pair, ("spread_low", "spread_high"), strict=True):
        said.say(field, numbers[end].printed, row.place(end))
    if kind is SpreadKind.CI and level is not None:
        said.say("spread_level", format_value(level), row.place("ci_level"))
    elif kind is SpreadKind.CI and not row.said("ci_level"):
        row.note(Code.CHECK, speaks, "The level of this confidence interval is not given.")


def _check_size(row: RowReader, name: str, spread: Number) -> None:
    if spread.value is not None and spread.value < 0:
        row.note(Code.RANGE, name, "A spread cannot be negative.")
    elif spread.value == 0:
        row.note(Code.CHECK, name, f"The {name} is 0: everybody had the same value, or the report rounds.")


def _ends_fit(row: RowReader, pair: tuple[str, str], numbers: Numbers) -> bool:
    """Whether both ends of a spread are said and make sense; notes what does not."""
    for name, other in (pair, pair[::-1]):
        if row.said(other) and not row.said(name):
            row.note(Code.VALUE, other, f"“{other}” is given without “{name}”.")
    if not all(name in numbers for name in pair):
        return False
    low, high = (numbers[name] for name in pair)
    if low.status is not high.status:
        row.note(Code.VALUE, pair[1], f"One of {pair[0]} and {pair[1]} is reported, the other is not.")
        return False
    for name, end in zip(pair, (low, high), strict=True):
        if end.qualifier is not Qualifier.EQUAL:
            row.note(Code.VALUE, name, "The end of an interval is a plain number.")
            return False
    if low.value is not None and high.value is not None and low.value > high.value:
        row.note(Code.RANGE, pair[0], f"{pair[0]} {low.printed} is above {pair[1]} {high.printed}.")
        return False
    return True


def _spokesman(row: RowReader, given: Mapping[str, Status], what: str) -> str | None:
    """The column that speaks for the row: the reported one, or the first of those that agree on a status."""
    reported = [name for name, status in given.items() if status is Status.REPORTED]
    if len(reported) > 1:
        together = " and ".join(reported)
        row.note(Code.VALUE, reported[1], f"The row gives {together}. Keep one {what}; put the other into the notes.")
        return None
    if not reported and len(set(given.values())) > 1:
        together = ", ".join(f"{name} {status}" for name, status in given.items())
        row.note(Code.VALUE, next(iter(given)), f"The row says different things of its {what}: {together}.")
        return None
    return next(iter(reported or given), None)


def _check_inside(row: RowReader, name: str, centre: Number, numbers: Numbers) -> None:
    """A median outside its quartiles or a mean outside its interval is printed at times, and seldom true."""
    for low, high in TWO_ENDED_SPREADS:
        if (low, high) == ("q1", "q3") and name != "median":
            continue
        ends = [numbers[end].value for end in (low, high) if end in numbers]
        if centre.value is None or len(ends) < 2 or ends[0] is None or ends[1] is None:
            continue
        if not ends[0] <= centre.value <= ends[1]:
            row.note(Code.CHECK, name, f"The {name} {centre.printed} lies outside {low} to {high}.")
