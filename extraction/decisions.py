"""What a person decides on a discrepancy, read as strictly as what an extractor types."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from extraction import final_decision, numbers, record
from extraction.compare import ROW
from extraction.context import Context
from extraction.errors import FieldProblem, InvalidValues
from extraction.final_values import DecisionError, unreported
from extraction.models import Choice, Discrepancy, ReasonCode, Resolution
from extraction.models.plain import ROWS
from extraction.record import Subject
from extraction.typed import Reading, unfit, values_of
from extraction.typed_spread import SPREAD_TEXTS, SpreadProblem, read_spread


@dataclass(frozen=True, slots=True)
class Decision:
    """A, B, another value (its texts as printed) or not reported; with the cause of the difference."""

    choice: str
    reason_code: str
    comment: str = ""
    n: str = ""
    centre_kind: str = ""
    centre: str = ""
    spread_kind: str = ""
    spread: str = ""
    spread_low: str = ""
    spread_high: str = ""
    spread_level: str = ""
    text: str = ""


COLUMNS = {
    "n": "n_printed",
    "centre": "centre_printed",
    "spread": "spread_printed",
    "spread_low": "spread_low_printed",
    "spread_high": "spread_high_printed",
}


def checked(decision: Decision, discrepancy: Discrepancy) -> dict[str, Any]:
    """The columns of the Resolution. Raises `InvalidValues` naming each refused field."""
    problems = []
    row = str(discrepancy)
    if decision.choice not in Choice.values:
        problems.append(FieldProblem(row, "choice", "is A, B, other or NR.", decision.choice))
    if decision.reason_code not in ReasonCode.values:
        problems.append(
            FieldProblem(row, "reason_code", f"is one of {', '.join(ReasonCode.values)}.", decision.reason_code)
        )
    if len(decision.comment) > 4000:
        problems.append(FieldProblem(row, "comment", "at most 4000 characters are kept."))
    if decision.choice == Choice.NOT_REPORTED and not _can_be_unreported(discrepancy):
        message = "this is not something a report leaves out; choose A, B or another value."
        problems.append(FieldProblem(row, "choice", message))
    if problems:
        raise InvalidValues(problems)
    kept = {COLUMNS.get(name, name): value.strip() for name, value in asdict(decision).items() if name != "comment"}
    kept["comment"] = decision.comment
    limits = {column.name: getattr(column, "max_length", None) for column in Resolution._meta.fields}
    wrong = {name: why for name, text in kept.items() if (why := unfit(text, limits[name]))}
    if wrong:
        shown = ((name.removesuffix("_printed"), why, kept[name][:80]) for name, why in wrong.items())
        raise InvalidValues([FieldProblem(row, *one) for one in shown])
    if decision.choice != Choice.OTHER:
        given = [
            name for name in (*COLUMNS, "centre_kind", "spread_kind", "spread_level", "text") if getattr(decision, name)
        ]
        if given:
            raise InvalidValues(
                [FieldProblem(row, given[0], "is given only with “another value”.", getattr(decision, given[0]))]
            )
        return kept
    resolution = Resolution(discrepancy=discrepancy, **kept)
    as_final(resolution, discrepancy)  # reads every text once, strictly
    return kept


def as_final(resolution: Resolution, discrepancy: Discrepancy) -> final_decision.Decision:
    """The decision as `final.compose` takes it."""
    choice = final_decision.Choice(resolution.choice)
    if resolution.choice != Choice.OTHER:
        return final_decision.Decision(choice=choice)
    problems: list[FieldProblem] = []
    row, name = str(discrepancy), discrepancy.field
    given: dict[str, Any] = {}
    if discrepancy.subject == Subject.CONTRAST:
        return final_decision.Decision(choice=choice, **_of_contrast(resolution, discrepancy))
    wants = {"n", "centre", "spread"} if name == ROW else {name}
    if "n" in wants:
        given["n"] = _quantity(resolution.n_printed, row, "n", numbers.parse_count, problems)
    if "centre" in wants:
        given |= _centre(resolution, row, problems)
    if "spread" in wants:
        given |= _spread(resolution, row, problems)
    if discrepancy.subject != Subject.OBSERVATION:
        given["text"] = resolution.text
        problems += _field_problems(resolution, discrepancy, name)
    elif not problems and not any(_says(value) for value in given.values()):
        problems.append(FieldProblem(row, name, "give the other value, or choose “not reported”."))
    if problems:
        raise InvalidValues(problems)
    return final_decision.Decision(choice=choice, **given)


def _of_contrast(resolution: Resolution, discrepancy: Discrepancy) -> dict[str, Any]:
    """Another value of a contrast, its CI or its df; of a whole row the value alone is given."""
    problems: list[FieldProblem] = []
    row, given = str(discrepancy), dict[str, Any]()
    if discrepancy.field == "interval":
        if not resolution.spread_kind:
            resolution.spread_kind = record.SpreadKind.CI.value
        given = _spread(resolution, row, problems)
        spread = given.get("spread")
        if not problems and (spread is None or spread.kind != record.SpreadKind.CI or spread.low is None):
            problems.append(FieldProblem(row, "spread_low", "give both ends of the CI, or choose “not reported”."))
    else:
        given["text"] = resolution.text
        field = "value" if discrepancy.field == ROW else discrepancy.field
        problems += _field_problems(resolution, discrepancy, field)
        if not problems and not resolution.text.strip():
            problems.append(FieldProblem(row, "text", "give the other value, or choose “not reported”."))
    if problems:
        raise InvalidValues(problems)
    return given


def _can_be_unreported(discrepancy: Discrepancy) -> bool:
    if discrepancy.subject in {Subject.OBSERVATION, Subject.CONTRAST, Subject.CHARACTERISTIC}:
        return True
    if discrepancy.field == ROW:
        return False
    try:
        unreported(discrepancy.field)
    except DecisionError:
        return False
    return True


def _centre(resolution: Resolution, row: str, problems: list[FieldProblem]) -> dict[str, Any]:
    centre = _quantity(resolution.centre_printed, row, "centre", numbers.parse_quantity, problems)
    if resolution.centre_kind not in [kind.value for kind in record.CentreKind]:
        problems.append(FieldProblem(row, "centre_kind", "is not a kind of centre.", resolution.centre_kind))
        return {"centre": centre}
    if centre.value is not None and not resolution.centre_kind:
        problems.append(FieldProblem(row, "centre_kind", "say what kind of centre this is: mean, median …"))
    return {"centre": centre, "centre_kind": record.CentreKind(resolution.centre_kind)}


def _spread(resolution: Resolution, row: str, problems: list[FieldProblem]) -> dict[str, Any]:
    texts = {key: getattr(resolution, COLUMNS.get(key, key)) for key in SPREAD_TEXTS}
    if texts["spread_kind"] not in [kind.value for kind in record.SpreadKind]:
        problems.append(FieldProblem(row, "spread_kind", "is not a kind of spread.", texts["spread_kind"]))
        return {}
    try:
        return {"spread": read_spread(**texts)}
    except SpreadProblem as problem:
        problems.append(FieldProblem(row, problem.field, problem.message, texts[problem.field]))
        return {}


def _says(value: Any) -> bool:
    return isinstance(value, record.Quantity | record.Spread) and value.status != record.Status.UNSAID


def _quantity(text: str, row: str, name: str, parse: Any, problems: list[FieldProblem]) -> record.Quantity:
    try:
        quantity: record.Quantity = parse(text)
    except numbers.NumberError as error:
        problems.append(FieldProblem(row, name, str(error), text))
        return record.Quantity()
    return quantity


def _field_problems(resolution: Resolution, discrepancy: Discrepancy, field: str) -> list[FieldProblem]:
    """Read the text as the extractor's field would be read."""
    subject = Subject(discrepancy.subject)
    key, entry = (
        (discrepancy.a_key, discrepancy.a_entry) if discrepancy.a_key else (discrepancy.b_key, discrepancy.b_entry)
    )
    base = ROWS[subject]._base_manager.get(pk=str(key))
    context = Context.of(entry)
    context.rows = {Subject.ARM: set(entry.arms.values_list("pk", flat=True))}
    reading = Reading(subject, str(discrepancy), {**values_of(base), field: resolution.text}, context)
    return [problem for problem in reading.problems if problem.field == field]
