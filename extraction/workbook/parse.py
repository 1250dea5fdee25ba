"""From plain cells to what they say: known sheets, known columns, strict values, unique keys.

Pure: no database, no file. `read` is the whole way from uploaded bytes; `parse` begins where the child process ended.
"""

from __future__ import annotations

from collections.abc import Iterator

from extraction.numbers import NumberError, parse_quantity
from extraction.record import ModeratorKind, Qualifier, QuantityKind, Role, Status
from extraction.workbook.cells import KNOWN_SHEETS, Code, Finding, Row, Sheet, letter, plain_name
from extraction.workbook.columns import (
    COLUMNS,
    IDENTITY,
    Column,
    ModeratorTerm,
    Vocabulary,
    read_header,
    sheet_of_header,
)
from extraction.workbook.measured import read_observation, read_outcome, read_time
from extraction.workbook.parsed import (
    Findings,
    Key,
    ParsedArm,
    ParsedCharacteristic,
    ParsedContrast,
    ParsedObservation,
    ParsedOutcome,
    ParsedTimepoint,
    ParsedTrial,
    ParsedWorkbook,
    Said,
)
from extraction.workbook.preflight import Preflight, preflight
from extraction.workbook.rows import YES_NO, RowReader, text_of
from extraction.workbook.stated import read_stated
from extraction.workbook.text import fold

ROLES = {role.value: role.value for role in Role}


def read(data: bytes, filename: str, vocabulary: Vocabulary | None = None) -> ParsedWorkbook:
    """Everything that an uploaded file says, or why it is refused."""
    return parse(preflight(data, filename), vocabulary or Vocabulary())


def parse(checked: Preflight, vocabulary: Vocabulary) -> ParsedWorkbook:
    parser = _Parser(vocabulary, csv=checked.kind == ".csv")
    for finding in checked.findings:
        parser.findings.add(finding)
    if checked.sheets or not parser.findings.reject:
        parser.take(checked.sheets)
    shown, more = parser.findings.shown()
    return ParsedWorkbook(parser.trials, shown, more, parser.rows)


class _Parser:
    def __init__(self, vocabulary: Vocabulary, *, csv: bool) -> None:
        self.vocabulary, self.csv = vocabulary, csv
        self.findings = Findings()
        self.trials: dict[str, ParsedTrial] = {}
        self.rows = 0
        self._seen: dict[tuple[object, ...], int] = {}

    def take(self, sheets: tuple[Sheet, ...]) -> None:
        self._note_other_sheets(sheets)
        named = self._named(sheets)
        if not named and not self.findings.reject:
            there = ", ".join(f"“{sheet.name[:40]}”" for sheet in sheets[:10]) or "none"
            message = f"A sheet named {', '.join(KNOWN_SHEETS)} is needed; the file has {there}."
            self.findings.add(Finding(Code.SHEET, message))
        for name in KNOWN_SHEETS:  # trials and arms first: observations refer to them
            if name in named:
                self._take_sheet(name, named[name])
        if named and not self.rows and not self.findings.reject:
            self.findings.add(Finding(Code.EMPTY, "There is no row of data below the header."))

    def _named(self, sheets: tuple[Sheet, ...]) -> dict[str, Sheet]:
        named: dict[str, Sheet] = {}
        for sheet in sheets:
            if not sheet.known:
                continue
            name = plain_name(sheet.name)
            if self.csv:
                name = sheet_of_header(sheet.rows[0], self.vocabulary) if sheet.rows else "observations"
            if name in named:
                self.findings.add(Finding(Code.SHEET, f"Two sheets are named “{name}”.", sheet.name))
            named[name] = sheet
        return named

    def _note_other_sheets(self, sheets: tuple[Sheet, ...]) -> None:
        for sheet in sheets:
            shown = sheet.name[:40]
            if sheet.hidden:
                self.findings.add(Finding(Code.HIDDEN, f"The sheet “{shown}” is hidden.", shown))
            if not sheet.known and any(plain_name(sheet.name).startswith(name[:-1]) for name in KNOWN_SHEETS):
                message = f"The sheet “{shown}” is not read; only {', '.join(KNOWN_SHEETS)} are."
                self.findings.add(Finding(Code.CHECK, message, shown))

    def _take_sheet(self, name: str, sheet: Sheet) -> None:
        title = sheet.name.strip() or name
        if not sheet.rows:
            return
        self._refuse_merges(title, sheet)
        header, *rows = sheet.rows
        if header.number != 1 and not self.csv:
            message = f"The header must be in row 1; the first row with something in it is {header.number}."
            self.findings.add(Finding(Code.HEADER, message, title, header.number))
            return
        used: dict[int, int] = {}
        for row in rows:
            for cell in row.cells:
                if cell.text.strip():
                    used.setdefault(cell.column, row.number)
        columns, refused = read_header(name, title, header, used, self.vocabulary)
        for finding in refused:
            self.findings.add(finding)
        if refused:
            return
        self._note_hidden(title, sheet, rows, columns)
        take = {
            "trials": self._take_trial,
            "arms": self._take_arm,
            "observations": self._take_observation,
            "contrasts": self._take_contrast,
        }
        for reader in self._readers(title, rows, columns):
            self.rows += 1
            take[name](reader)

    def _readers(self, title: str, rows: list[Row], columns: dict[int, Column]) -> Iterator[RowReader]:
        for row in rows:
            if any(cell.text.strip() or cell.kind != "text" for cell in row.cells):
                yield RowReader(title, row, columns, self.findings, csv=self.csv)

    def _refuse_merges(self, title: str, sheet: Sheet) -> None:
        for merged in sheet.merged:
            ends = [end.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ$") for end in merged.split(":")]
            code = Code.HEADER if set(ends) == {"1"} else Code.MERGED
            message = f"The cells {merged} are merged. Give every value its own cell."
            self.findings.add(Finding(code, message, title, seen=merged))

    def _note_hidden(self, title: str, sheet: Sheet, rows: list[Row], columns: dict[int, Column]) -> None:
        for row in rows:
            if row.hidden:
                self.findings.add(
                    Finding(Code.HIDDEN, "This row is hidden in the sheet, and is read.", title, row.number)
                )
        for number, column in columns.items():
            if sheet.hides_column(number):
                message = "This column is hidden in the sheet, and is read."
                self.findings.add(Finding(Code.HIDDEN, message, title, column=letter(number), name=column.name))

    def _trial(self, row: RowReader) -> ParsedTrial:
        label = row.text("trial") or ""
        return self.trials.setdefault(fold(label), ParsedTrial(label, row.place("trial")))

    def _is_first(self, row: RowReader, name: str, *key: object) -> bool:
        """Whether no earlier row has this key; notes both rows where one has."""
        earlier = self._seen.setdefault(key, row.row.number)
        if earlier != row.row.number:
            message = f"Rows {earlier} and {row.row.number} are about the same {key[0]}."
            row.note(Code.DUPLICATE, name, message, other_row=earlier)
            return False
        return True

    def _take_trial(self, row: RowReader) -> None:
        if not row.needed("trial") or not self._is_first(row, "trial", "trial", fold(row.text("trial") or "")):
            return
        trial = self._trial(row)
        for name in IDENTITY:
            text = row.text(name)
            if text is not None:
                trial.identity.say(name, text, row.place(name))
        for moderator in self.vocabulary.moderators:
            self._take_characteristic(row, trial, moderator, arm="")

    def _take_characteristic(self, row: RowReader, trial: ParsedTrial, moderator: ModeratorTerm, arm: str) -> None:
        if moderator.code in {column.name for columns in COLUMNS.values() for column in columns}:
            return
        text = row.text(moderator.code)
        value = self._characteristic(row, moderator, text) if text is not None else None
        if value is not None:
            said = Said()
            said.say("moderator", moderator.code, row.place(moderator.code))
            said.say("value", value, row.place(moderator.code))
            trial.characteristics.append(ParsedCharacteristic(moderator.code, arm, said))

    def _characteristic(self, row: RowReader, moderator: ModeratorTerm, text: str) -> str | None:
        """The text that the record keeps: a number as printed, the code of a level, or NR, NM, UN."""
        status = Status.__members__.values()
        if moderator.kind is not ModeratorKind.NUMBER and text.upper() in {one.value for one in status if one}:
            return text.upper()
        if moderator.kind is ModeratorKind.TEXT:
            return text
        if moderator.kind is ModeratorKind.LEVEL:
            code = self.vocabulary.code(f"moderator {moderator.code}", text)
            if code is None:
                allowed = ", ".join(level.name for level in moderator.levels)
                row.note(Code.VALUE, moderator.code, f"“{text[:60]}” is not one of {allowed}, NR, NM or UN.")
            return code
        try:
            quantity = parse_quantity(text)
        except NumberError as refused:
            row.note(Code(refused.code), moderator.code, str(refused))
            return None
        if quantity.qualifier is not Qualifier.EQUAL:
            row.note(Code.VALUE, moderator.code, "A characteristic is a plain number, or NR, NM, UN.")
            return None
        return text_of(quantity)

    def _take_arm(self, row: RowReader) -> None:
        values = {name: self._arm_value(row, name) for name in ("role", "intervention", "control_kind", "eligible")}
        n = row.count("n_randomised")
        values["n_randomised"] = None if n is None else text_of(n)
        values["stratum"] = row.text("stratum")
        if not row.needed("trial", "arm"):
            return
        trial, label = self._trial(row), row.text("arm") or ""
        if not self._is_first(row, "arm", "arm", fold(trial.label), fold(label)):
            return
        said = Said()
        said.say("label", label, row.place("arm"))
        for name, text in values.items():
            if text is not None:
                said.say(name, text, row.place(name))
        trial.arms[fold(label)] = ParsedArm(fold(label), label, said)
        for moderator in self.vocabulary.moderators:
            if moderator.of_arm:
                self._take_characteristic(row, trial, moderator, fold(label))

    def _arm_value(self, row: RowReader, name: str) -> str | None:
        if name in ("role", "eligible"):
            return row.word(name, ROLES if name == "role" else YES_NO)
        text = row.text(name)
        if text is None:
            return None
        code = self.vocabulary.code(name, text)
        if code is None:
            terms = self.vocabulary.interventions if name == "intervention" else self.vocabulary.control_kinds
            allowed = ", ".join(term.name for term in terms) or "nothing: the codebook has none yet"
            row.note(Code.VALUE, name, f"“{text[:60]}” is not in the codebook. Allowed is {allowed}.")
        return code

    def _take_observation(self, row: RowReader) -> None:
        time = read_time(row)
        outcome = read_outcome(row, self.vocabulary)
        nowhere = Said()
        nowhere.say("phase", "", row.place("phase"))
        said = read_observation(row, time[1] if time else QuantityKind.SCORE, time[2] if time else nowhere)
        if not row.needed("trial", "arm", "marker") or time is None or outcome is None:
            return
        trial, arm = self._trial(row), fold(row.text("arm") or "")
        key = (fold(trial.label), arm, time[0], outcome[0], time[1])
        if not self._is_first(row, "marker", "cell", *key):
            return
        trial.observations.append(ParsedObservation(row.place("arm"), arm, time[0], outcome[0], said))
        self._stand_on(row, trial, time[0], time[2], outcome)

    def _take_contrast(self, row: RowReader) -> None:
        time, outcome, said = read_time(row), read_outcome(row, self.vocabulary), read_stated(row)
        needed = row.needed("trial", "arm", "marker", "statistic")
        if not needed or time is None or outcome is None or said is None:
            return
        trial, arm, versus = self._trial(row), fold(row.text("arm") or ""), fold(row.text("versus") or "")
        key = (fold(trial.label), *sorted((arm, versus)), time[0], outcome[0], said.values["statistic"])
        if not self._is_first(row, "statistic", "contrast", *key):
            return
        places = row.place("arm"), row.place("versus")
        trial.contrasts.append(ParsedContrast(places[0], arm, versus, places[1], time[0], outcome[0], said))
        self._stand_on(row, trial, time[0], time[2], outcome)

    def _stand_on(self, row: RowReader, trial: ParsedTrial, time: Key, said: Said, outcome: tuple[Key, Said]) -> None:
        """The time and the outcome that a row stands on, with what earlier rows said of them."""
        timepoint = trial.timepoints.setdefault(time, ParsedTimepoint(time, Said()))
        self._agree(row, timepoint.said, said, ("weeks", "printed"), "time")
        measured = trial.outcomes.setdefault(outcome[0], ParsedOutcome(outcome[0], Said()))
        self._agree(row, measured.said, outcome[1], ("unit",), "outcome")

    def _agree(self, row: RowReader, known: Said, said: Said, alike: tuple[str, ...], what: str) -> None:
        """Add what a row says of a time or outcome; refuse what contradicts an earlier row."""
        for name, text in said.values.items():
            earlier = known.values.get(name)
            if earlier is None:
                known.say(name, text, said.places[name])
            elif name in alike and fold(earlier) != fold(text):
                place = known.places[name]
                message = f"“{text[:60]}” here, “{earlier[:60]}” in row {place.row}, for the same {what}."
                row.note(Code.VALUE, said.places[name].name, message)
