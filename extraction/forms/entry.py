"""The web form of one entry: what it shows, what was changed in it, and where a refusal stands.

The browser sends the whole form. Only rows that were touched in this tab become changes, each with the version
that this tab had read; so a second tab that changed another row is never in the way, and one that changed the same
row is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

from extraction.access import Viewer
from extraction.beside import Beside, beside
from extraction.enter import Change
from extraction.errors import FieldProblem
from extraction.forms import grid
from extraction.forms.conflict import CELL, Conflict, Touch
from extraction.forms.contrasts import STANDS_ON, contrast_controls, contrast_in_words
from extraction.forms.inputs import Input, Option, Posted, Texts, Was, read_key, sentence
from extraction.forms.rows import (
    CharacteristicForm,
    Control,
    RowForm,
    blank_texts,
    characteristics,
    controls,
    structure,
    texts_of,
)
from extraction.forms.sources import report_options
from extraction.looked_over import Judged, look_over
from extraction.models import Entry, Intervention, Marker, Moderator
from extraction.models.plain import as_record, rows_of
from extraction.record import Subject
from extraction.typed import values_of

STRUCTURE: Final = (Subject.ARM, Subject.TIMEPOINT, Subject.OUTCOME)
LISTED: Final = (*STRUCTURE, Subject.CONTRAST)  # rows under each other, as many as there are
MOST_CELLS: Final = 600  # on one page: the grid of a larger trial comes in parts
SAVED: Final = "saved"  # the answer “keep what is saved” where two tabs changed the same row


class EntryForm:
    """One draft as its holder sees it; with `data`, as a browser sent it back."""

    def __init__(
        self,
        entry: Entry,
        by: Viewer,
        data: Mapping[str, str] | None = None,
        part: int = 1,
        also: str = "",
        opened: str = "",
    ) -> None:
        self.entry, self.by = entry, by
        self.saved = rows_of(entry)
        self.posted = Posted(data or {})
        self.also = frozenset(key for key in also.split(",") if key)
        self.opened = opened  # place of the cell whose source is shown
        review = entry.trial.review_id
        self.controls: dict[Subject, tuple[Control, ...]] = controls(
            Intervention.objects.visible_to(by).filter(review=review),
            Marker.objects.visible_to(by).filter(review=review),
        )
        self.controls[Subject.CONTRAST] = contrast_controls(
            self.reports, *(self.saved[subject] for subject in STRUCTURE)
        )
        self.moderators = list(Moderator.objects.visible_to(by).filter(review=review).prefetch_related("levels"))
        self.part = min(max(part, 1), self.parts)
        self.problems: list[str] = []  # those that have no place of their own

    # --- What is shown ---

    @cached_property
    def reports(self) -> list[Option]:
        """What a source may name as its report; empty where there is nothing to choose."""
        sourced = (*self.saved[Subject.OBSERVATION], *self.saved[Subject.CONTRAST])
        return report_options(self.entry.trial_id, self.by, sourced)

    @cached_property
    def arms(self) -> list[RowForm]:
        return self._structure(Subject.ARM, least=2)

    @cached_property
    def timepoints(self) -> list[RowForm]:
        return self._structure(Subject.TIMEPOINT, least=2)

    @cached_property
    def outcomes(self) -> list[RowForm]:
        return self._structure(Subject.OUTCOME, least=1)

    @cached_property
    def contrasts(self) -> list[RowForm]:
        return self._structure(Subject.CONTRAST, least=1)

    @cached_property
    def characteristics(self) -> list[tuple[str, list[CharacteristicForm]]]:
        arms = self.saved[Subject.ARM]
        return characteristics(self.moderators, arms, self.saved[Subject.CHARACTERISTIC], self.posted, self._new_key)

    @cached_property
    def blocks(self) -> list[grid.Block]:
        arms, timepoints = self.saved[Subject.ARM], self.saved[Subject.TIMEPOINT]
        if not (arms and timepoints):
            return []
        first = (self.part - 1) * self._outcomes_per_part
        outcomes = self.saved[Subject.OUTCOME][first : first + self._outcomes_per_part]
        made = grid.blocks(
            outcomes, arms, timepoints, self.saved[Subject.OBSERVATION], self.posted, self._new_key, self.also
        )
        for block in made:
            block.reports = self.reports
            for _, cells in block.rows:
                for _, cell in cells:
                    cell.open = cell.at == self.opened
                    cell.beside = self.beside.get(str(cell.key), cell.beside)
        return made

    @cached_property
    def judged(self) -> list[Judged]:
        """What the checks find in the entry as it is saved."""
        return look_over(self.entry, self.saved, self.by)

    @property
    def findings(self) -> list[dict[str, Any]]:
        return [one.as_json() for one in self.judged]

    @cached_property
    def beside(self) -> dict[str, Beside]:
        """What is read and derived from each saved cell, by key."""
        said = as_record(self.saved)
        arms = {arm.key: arm for arm in said.arms}
        return {one.key: beside(one, arms[one.arm]) for one in said.observations}

    @property
    def parts(self) -> int:
        return max(1, -(-len(self.saved[Subject.OUTCOME]) // self._outcomes_per_part))

    @property
    def _outcomes_per_part(self) -> int:
        cells = len(self.saved[Subject.ARM]) * len(self.saved[Subject.TIMEPOINT])
        return max(1, MOST_CELLS // max(cells, 1))

    @property
    def has_grid(self) -> bool:
        return self.saved_arms and self.saved_timepoints and self.saved_outcomes

    def _structure(self, subject: Subject, least: int) -> list[RowForm]:
        blanks = [self._new_key(f"{subject}/{number}") for number in range(1 if self.saved[subject] else least)]
        return structure(subject, self.saved[subject], self.posted, self.controls[subject], blanks)

    def _new_key(self, place: str) -> UUID:
        """The key of a row that may come to be here: the same whenever this version of the entry is shown."""
        return uuid5(self.entry.pk, f"{self.entry.version}/{place}")

    # Words for the templates.
    quantities, centres, spreads = grid.QUANTITIES, grid.CENTRES, grid.SPREADS

    @property
    def also_text(self) -> str:
        return ",".join(sorted(self.also))

    @property
    def part_numbers(self) -> range:
        return range(1, self.parts + 1)

    @property
    def saved_arms(self) -> bool:
        return bool(self.saved[Subject.ARM])

    @property
    def saved_timepoints(self) -> bool:
        return bool(self.saved[Subject.TIMEPOINT])

    @property
    def saved_outcomes(self) -> bool:
        return bool(self.saved[Subject.OUTCOME])

    @property
    def saved_contrasts(self) -> bool:
        return bool(self.saved[Subject.CONTRAST])

    @property
    def filled(self) -> int:
        return len(self.saved[Subject.OBSERVATION])

    @property
    def left(self) -> int:
        return max(0, self.cell_count - self.filled)

    @property
    def cell_count(self) -> int:
        """Cells of the whole grid: an outcome counts once for each quantity in which it is entered."""
        held = {(row.outcome_id, row.quantity) for row in self.saved[Subject.OBSERVATION]}
        blocks = len(held) + len(self.saved[Subject.OUTCOME]) - len({outcome for outcome, _ in held})
        return blocks * len(self.saved[Subject.ARM]) * len(self.saved[Subject.TIMEPOINT])

    # --- What was changed ---

    def changes(self) -> list[Change]:
        """The touched rows. Raises `BadRequest` for what no page of ours sends."""
        return [touch.change for touch in self._touched()]

    def _touched(self) -> list[Touch]:
        touched = []
        for subject in STRUCTURE:
            blank = texts_of(subject, blank_texts(subject, self.controls[subject]), self.controls[subject])
            for key, sent in self.posted.of(subject):
                texts = texts_of(subject, sent, self.controls[subject])
                touched += self._touch(subject, key, sent, texts, blank=texts == blank)
        removed = {str(touch.change.key) for touch in touched if touch.change.delete}
        for key, sent in self.posted.of(Subject.CONTRAST):
            texts = texts_of(Subject.CONTRAST, sent, self.controls[Subject.CONTRAST])
            if not removed & {texts[name] for name in STANDS_ON}:
                touched += self._touch(Subject.CONTRAST, key, sent, texts, blank=not any(texts.values()))
        for key, sent in self.posted.of(Subject.CHARACTERISTIC):
            value = sent.get("value", "").strip()
            place = {"moderator": sent.get("moderator", ""), "arm": sent.get("arm", "")}
            if place["arm"] not in removed:
                touched += self._touch(
                    Subject.CHARACTERISTIC, key, sent, {"value": value}, blank=not value, place=place
                )
        for key, sent in self.posted.of(CELL):
            values = grid.sent_values(sent, self.posted)
            if not removed & {values["arm"], values["timepoint"], values["outcome"]}:
                touched += self._touch(Subject.OBSERVATION, key, sent, values, blank=grid.is_blank(values))
        return touched

    def _touch(
        self, subject: Subject, key: str, sent: Texts, texts: Texts, *, blank: bool, place: Texts | None = None
    ) -> list[Touch]:
        """The change of one row that was sent; none where it was not touched."""
        was, uuid = Was.read(sent.get("was", "")), read_key(key)
        name = f"{CELL if subject == Subject.OBSERVATION else subject}.{key}"
        removing = "remove" in sent or (blank and subject not in STRUCTURE)
        values = texts | (place or {})
        if sent.get("take") == SAVED:
            return []
        if was is not None:
            if removing:
                return [Touch(name, Change(subject, uuid, was.version, delete=True))]
            touched = str(Was.of(was.version, texts)) != str(was)
            return [Touch(name, Change(subject, uuid, was.version, values))] if touched else []
        if blank or removing:
            return []
        row = self._by_key.get(key) or self._by_place.get(_place(subject, values))
        if row is None:
            return [Touch(name, Change(subject, uuid, None, values))]
        saved = values_of(row)
        if all(saved.get(name, "") == text for name, text in values.items()):
            return []  # sent a second time, after going back or a second click
        # A new row of structure in two tabs is two rows; a cell has one place, and two tabs must agree on it.
        return [Touch(name, Change(subject, uuid4() if subject in LISTED else row.pk, None, values))]

    def texts_sent(self, subject: str, key: str) -> Texts:
        """The texts of one row as it was sent, from which its digest is made."""
        sent = self.posted.get(subject, key) or {}
        if subject == CELL:
            return grid.sent_values(sent, self.posted)
        if subject == Subject.CHARACTERISTIC:
            return {"value": sent.get("value", "").strip()}
        return texts_of(Subject(subject), sent, self.controls[Subject(subject)])

    def row_at(self, subject: str, key: str, texts: Texts) -> Any | None:
        """The saved row under this key; of a cell, the one in its place."""
        place = _place(Subject.OBSERVATION, texts) if subject == CELL else ()
        return self._by_key.get(key) or self._by_place.get(place)

    @cached_property
    def _by_key(self) -> dict[str, Any]:
        return {str(row.pk): row for rows in self.saved.values() for row in rows}

    @cached_property
    def _by_place(self) -> dict[tuple[str, ...], Any]:
        placed: dict[tuple[str, ...], Any] = {}
        for subject in (Subject.OBSERVATION, Subject.CHARACTERISTIC):
            placed |= {_place(subject, values_of(row)): row for row in self.saved[subject]}
        return placed

    # --- Refusals ---

    def show(self, problems: Iterable[FieldProblem]) -> None:
        """Put each refusal at its control; one whose control is not on this page stands above the form."""
        inputs, cells = self._inputs, {str(cell.key): cell for cell in self._cells}
        for problem in problems:
            if control := inputs.get((problem.row, problem.field)):
                control.problems.append(sentence(control.label.partition(",")[0], problem.message))
            elif cell := cells.get(problem.row):
                at = grid.SHOWN_AT.get(problem.field, problem.field)
                word = {"first": "Spread", "second": "Spread"}.get(at, at.replace("_", " ").capitalize())
                cell.problems.setdefault(at, []).append(sentence(word, problem.message))
            else:
                seen = f" (“{problem.seen}”)" if problem.seen else ""
                self.problems.append(sentence(problem.field.replace("_", " ").capitalize(), problem.message) + seen)

    @property
    def problem_count(self) -> int:
        return (
            sum(len(one.problems) for one in self._inputs.values())
            + sum(len(cell.all_problems) for cell in self._cells)
            + len(self.problems)
        )

    @property
    def _cells(self) -> list[grid.Cell]:
        return [cell for block in self.blocks for _, cells in block.rows for _, cell in cells]

    @property
    def _inputs(self) -> dict[tuple[str, str], Input]:
        found = {
            (str(row.key), name): control
            for row in (*self.arms, *self.timepoints, *self.outcomes, *self.contrasts)
            for name, control in row.inputs.items()
        }
        for _, forms in self.characteristics:
            found |= {(str(one.key), name): one.input for one in forms for name in ("value", "moderator", "arm")}
        return found

    def touched(self) -> list[Conflict]:
        """Every change of this tab, in words."""
        return [self._conflict(touch) for touch in self._touched()]

    def conflicts(self) -> list[Conflict]:
        """The changes that the rows as they are now do not allow, with both values."""
        found = []
        for touch in self._touched():
            row = self._by_key.get(str(touch.change.key))
            if touch.change.version != (row.version if row else None):
                found.append(self._conflict(touch))
        return found

    def _conflict(self, touch: Touch) -> Conflict:
        change = touch.change
        row = self._by_key.get(str(change.key))
        saved, typed = values_of(row) if row else {}, change.values
        labels = {str(one.pk): str(one) for subject in STRUCTURE for one in self.saved[subject]}
        names = [name for name in (typed or saved) if name not in {*STANDS_ON, "moderator"}]
        differing = [
            (name.replace("_", " "), self._told(name, saved), self._told(name, typed))
            for name in names
            if saved.get(name, "") != typed.get(name, "")
        ]
        match change.subject:
            case Subject.OBSERVATION:
                title = grid.place_in_words(typed or saved, labels)
            case Subject.CONTRAST:
                title = contrast_in_words(typed or saved, labels)
            case Subject.CHARACTERISTIC:
                title = (typed or saved).get("moderator", "")
            case _:
                said = typed.get("label") or typed.get("name") or typed.get("printed") or ""
                title = labels.get(str(change.key)) or said
        return Conflict(
            change.subject, str(change.key), title, differing, row is None, change.delete, sent_as=touch.sent_as
        )

    def _told(self, name: str, values: Mapping[str, str]) -> str:
        text = values.get(name, "")
        return dict(self.reports).get(text, text) if name == "source_report" and text else text

    def resend(self, conflicts: Sequence[Conflict]) -> list[tuple[str, str]]:
        """Everything that was sent, to be sent again over the rows as they are now."""
        renamed = {one.sent_as: one.name for one in conflicts}
        kept: dict[str, str] = {}
        for name, text in self.posted.data.items():
            row, _, control = name.rpartition(".")
            kept[f"{renamed.get(row, row)}.{control}" if row else name] = text
        kept.pop("csrfmiddlewaretoken", None)
        return list((kept | {f"{one.name}.was": self._version_now(one.key) for one in conflicts}).items())

    def _version_now(self, key: str) -> str:
        row = self._by_key.get(key)
        return f"{row.version}:" if row else ""  # without a digest it counts as touched


def _place(subject: Subject, values: Mapping[str, str]) -> tuple[str, ...]:
    """Where a row stands that can stand there but once."""
    names = {
        Subject.OBSERVATION: ("outcome", "arm", "timepoint", "quantity"),
        Subject.CHARACTERISTIC: ("moderator", "arm"),
    }.get(subject, ())
    return (subject, *(values[name] for name in names))
