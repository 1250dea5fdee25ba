"""Controls and cells of the entry form, written in Python: a page holds hundreds, and an include for each is slow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.template import Library
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from extraction.forms.grid import CENTRES, DETAILS, NUMBERS, OWN_KINDS, SPREADS, Block, Cell
from extraction.forms.inputs import Input, Option

register = Library()

Reports = Sequence[Option]  # those that a source may name; empty where there is nothing to choose

AS_BLOCK = ("", "as the block")
TEXTS = (
    ("source_page", "Page"),
    ("source_place", "Table, figure or text"),
    ("analysis_set", "Analysis set"),
    ("covariates", "Adjusted for"),
    ("axis_calibration", "Axis calibration, of a figure"),
    ("second_centre", "Second reading, centre"),
    ("second_spread", "Second reading, spread"),
)
CELL = (
    '<input type="hidden" name="{0}.at" value="{1}"><input type="hidden" name="{0}.was" value="{2}">'
    '<div class="trio">{3}{4}</div><div class="derived">{5}</div>{6}{7}'
)
SOURCE = (
    '<button class="src{}" name="then" value="open:{}" title="{}" aria-label="Source of {}, {}">'
    '<svg class="i" aria-hidden="true"><use href="#i-pin"/></svg></button>'
)
KEPT = '<input type="hidden" name="{}.{}" value="{}">'
DERIVED = '<abbr title="{}">{}</abbr>'
BOX = '<input class="form-control {}{}" name="{}.{}" value="{}" aria-label="{}" placeholder=" " autocomplete="off"{}>'
FOLDED = (
    '<details class="more-of" open><summary>Source and notes<span class="visually-hidden"> of {}</span></summary>'
    "<div>{}{}{}{}{}{}</div></details>"
)
TEXT = (
    '<label class="field"><span class="label">{}</span>'
    '<input class="form-control{}" name="{}.{}" value="{}" autocomplete="off"></label>'
)
AREA = (
    '<label class="field wide"><span class="label">{}</span>'
    '<textarea class="form-control" rows="2" name="{}.{}">\n{}</textarea></label>'
)
SELECT = (
    '<label class="field"><span class="label">{}</span><select class="form-select {}" name="{}.{}">{}</select></label>'
)
INFERRED = (
    '<label class="tick wide"><input class="form-check-input" type="checkbox" name="{}.inferred" value="yes"{}>'
    " Not printed as such: worked out from the text</label>"
)


TICK = '<label class="tick"><input class="form-check-input" type="checkbox" name="{}" value="yes"{}> {}</label>'
LABELLED = '<label class="field"><span class="label">{}</span>{}{}{}</label>'
PLAIN = '<input class="form-control{}{}" id="{}" name="{}" value="{}"{} autocomplete="off"{}>'
CHOICE = '<select class="form-select{}" id="{}" name="{}"{}>{}</select>'


@register.simple_tag
def control(input: Input) -> SafeString:  # noqa: A002 - the word of the templates
    """One labelled control with its help and its problems."""
    if input.kind == "check":
        return format_html(TICK, input.name, _if(input.text == "yes", " checked"), input.label)
    wrong = _if(bool(input.problems), " is-invalid")
    told = format_html(' aria-invalid="true" aria-describedby="{}.problem"', input.name) if input.problems else ""
    if input.kind == "select":
        box = format_html(CHOICE, wrong, input.name, input.name, told, options(input.options, input.text))
    else:
        hint = format_html(' placeholder="{}"', input.hint) if input.hint else ""
        number = _if(input.kind == "number", " number")
        box = format_html(PLAIN, number, wrong, input.name, input.name, input.text, hint, told)
    said = " ".join(input.problems)
    return format_html(
        LABELLED,
        input.label,
        box,
        format_html('<span class="hint">{}</span>', input.help) if input.help else "",
        format_html('<span class="problem" id="{}.problem">{}</span>', input.name, said) if said else "",
    )


@register.simple_tag
def options(words: Sequence[tuple[str, str]], chosen: str) -> SafeString:
    """The options of a select; what is chosen is offered even where it is none of the words."""
    offered = words if any(value == chosen for value, _ in words) else [*words, (chosen, chosen)]
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((value, _if(value == chosen, " selected"), text) for value, text in offered),
    )


@register.simple_tag
def cell(block: Block, arm: Any, timepoint: Any, cell: Cell) -> SafeString:
    """One cell: n, centre and spread in view, source and the rest folded under them."""
    where = f"{block.outcome}, {arm}, {timepoint}"
    problem_id = f"{cell.name}.problem"
    first, second = block.kinds.spread_words
    boxes = (
        ("n", "n", "n"),
        ("centre", "", block.kinds.centre_word),
        ("first", "", first),
        ("second", "second", second),
    )
    written = [(_box(cell, name, kind, f"{where}, {word}", problem_id),) for name, kind, word in boxes]
    return format_html(
        CELL,
        cell.name,
        cell.at,
        cell.was,
        format_html_join("", "{}", written),
        _source(cell, block.reports, where),
        format_html(DERIVED, cell.beside.formula, cell.beside.text) if cell.beside.text else "",
        _problems(cell, problem_id),
        _folded(cell, block.reports, where) if cell.open or _refused(cell) else _kept(cell),
    )


def _source(cell: Cell, reports: Reports, where: str) -> SafeString:
    """Opens the source and the notes of a cell: in the page itself, or by saving and showing it again."""
    texts = cell.texts
    report = dict(reports).get(texts.get("source_report") or "-", "")
    page = f"page {texts['source_page']}" if texts.get("source_page") else ""
    parts = (report, page, texts.get("source_place", ""))
    source = ", ".join(part for part in parts if part) or texts.get("source_quote", "")
    return format_html(
        SOURCE, _if(bool(source), " has"), cell.at, source or "Source and notes", where, source or "not given yet"
    )


def _kept(cell: Cell) -> SafeString:
    """What is said of the source and the like, sent along unseen."""
    said = ((cell.name, name, cell.texts.get(name, "")) for name in (*DETAILS, *OWN_KINDS))
    return format_html_join("", KEPT, ((row, name, text) for row, name, text in said if text not in {"", "no"}))


def _refused(cell: Cell) -> bool:
    return any(name not in NUMBERS for name in cell.problems)


def _box(cell: Cell, name: str, kind: str, label: str, problem_id: str) -> SafeString:
    wrong = bool(cell.problems.get(name))
    described = format_html(' aria-invalid="true" aria-describedby="{}"', problem_id) if wrong else ""
    text = cell.texts.get(name, "")
    return format_html(BOX, kind, _if(wrong, " is-invalid"), cell.name, name, text, label, described)


def _problems(cell: Cell, problem_id: str) -> SafeString | str:
    if not cell.problems:
        return ""
    return format_html('<span class="problem" id="{}">{}</span>', problem_id, " ".join(cell.all_problems))


def _folded(cell: Cell, reports: Reports, where: str) -> SafeString:
    texts = cell.texts
    return format_html(
        FOLDED,
        where,
        _report(cell, reports),
        format_html_join("", "{}", ((_text(cell, name, label),) for name, label in TEXTS)),
        format_html(AREA, "Words of the report", cell.name, "source_quote", texts.get("source_quote", "")),
        format_html(AREA, "Notes", cell.name, "notes", texts.get("notes", "")),
        _kinds(cell),
        format_html(INFERRED, cell.name, _if(texts.get("inferred") == "yes", " checked")),
    )


def _report(cell: Cell, reports: Reports) -> SafeString | str:
    """Which report it is, where there is a choice."""
    if not reports:
        return ""
    chosen = options(reports, cell.texts.get("source_report", ""))
    return format_html(SELECT, "Report", "", cell.name, "source_report", chosen)


def _text(cell: Cell, name: str, label: str) -> SafeString:
    wrong = _if(bool(cell.problems.get(name)), " is-invalid")
    return format_html(TEXT, label, wrong, cell.name, name, cell.texts.get(name, ""))


def _kinds(cell: Cell) -> SafeString:
    centre = options([AS_BLOCK, *CENTRES], cell.texts.get("centre_kind", ""))
    spread = options([AS_BLOCK, *SPREADS], cell.texts.get("spread_kind", ""))
    return format_html(
        "{}{}{}",
        format_html(SELECT, "Kind of centre", "", cell.name, "centre_kind", centre),
        format_html(SELECT, "Kind of spread", "own-spread", cell.name, "spread_kind", spread),
        _text(cell, "spread_level", "Level of a CI, %"),
    )


def _if(condition: bool, text: str) -> str:
    return text if condition else ""
