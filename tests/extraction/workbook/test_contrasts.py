"""The sheet contrasts: read strictly, previewed and applied like every other sheet, given back as it came."""

from __future__ import annotations

import pytest

from extraction.models import ContrastStatistic
from extraction.workbook.parsed import ParsedContrast, ParsedWorkbook
from extraction.workbook.plan import State
from extraction.workbook.template import template_workbook
from tests.extraction.workbook.build import Value, observations, row, sheet, workbook
from tests.extraction.workbook.conftest import Desk
from tests.extraction.workbook.said import csv, found, only

GRID = observations(row(weeks=12), row(arm="Placebo", weeks=12))
HEADER: list[Value] = [
    "trial",
    "arm",
    "versus",
    "marker",
    "weeks",
    "statistic",
    "value",
    "df",
    "ci_low",
    "ci_high",
    "ci_level",
]
T: list[Value] = ["S001", "Drug A", "Placebo", "IL-6", 12, "t", "-2.10", 48, None, None, None]
MD: list[Value] = ["S001", "Drug A", "Placebo", "IL-6", 12, "mean difference", "-1.70", None, "-2.6", "-0.80", 95]
R: list[Value] = ["S001", "Placebo", None, "IL-6", 12, "r", ".62", None, None, None, None]


def read(**columns: str) -> ParsedContrast:
    return only(one(**columns)).contrasts[0]


def one(**columns: str) -> ParsedWorkbook:
    """One row of contrasts as CSV, with these columns besides the coordinates."""
    given = {"trial": "S001", "arm": "Drug A", "versus": "Placebo", "marker": "IL-6", "weeks": "12"}
    given |= {"statistic": "t", "value": "2.1"} | columns
    quoted = ['"' + text.replace('"', '""') + '"' for text in given.values()]
    return csv(f"{','.join(given)}\n{','.join(quoted)}")


def test_a_csv_with_a_statistic_is_a_sheet_of_contrasts() -> None:
    said = read(value="<0.050", statistic="P", page="7", notes="seen")
    assert (said.arm, said.versus, said.timepoint) == ("drug a", "placebo", ("post", "weeks", "12"))
    assert said.said.values == {"statistic": "p", "value": "<0.050", "source_page": "7", "notes": "seen"}


@pytest.mark.parametrize(
    ("word", "statistic"),
    [
        ("F", "f"),
        ("d", "smd"),
        ("Mean difference", "mean_difference"),
        ("SD of change", "sd_change"),
        ("paired_t", "paired_t"),
    ],
)
def test_a_statistic_goes_by_its_names(word: str, statistic: str) -> None:
    assert read(statistic=word).said.values["statistic"] == statistic


@pytest.mark.parametrize(
    ("columns", "refused"),
    [
        ({"statistic": "chi2"}, ("E_VALUE", "statistic")),
        ({"statistic": ""}, ("E_VALUE", "statistic")),
        ({"value": "two"}, ("E_VALUE", "value")),
        ({"ci_low": "<1", "ci_high": "2"}, ("E_VALUE", "ci_low")),
        ({"df": "0"}, ("E_RANGE", "df")),
        ({"df": "1, 48"}, ("E_VALUE", "df")),
        ({"value": ""}, ("W_CHECK", "statistic")),
    ],
)
def test_what_cannot_be_read_is_named_by_its_cell(columns: dict[str, str], refused: tuple[str, str]) -> None:
    assert refused in found(one(**columns))


def test_the_same_statistic_twice_is_refused_also_the_other_way_round() -> None:
    lines = ["trial,arm,versus,marker,weeks,statistic,value", "S001,A,B,IL-6,12,t,2.1", "S001,B,A,IL-6,12,t,-2.1"]
    assert ("E_DUP", "statistic") in found(csv("\n".join(lines)))


@pytest.mark.django_db
class TestImport:
    def file(self, *rows: list[Value]) -> bytes:
        arms = sheet([["trial", "arm", "role"], ["S001", "Drug A", None], ["S001", "Placebo", "control"]])
        return workbook({"arms": arms, "observations": GRID, "contrasts": sheet([HEADER, *rows])})

    def test_they_arrive_as_printed_and_a_second_time_changes_nothing(self, desk: Desk) -> None:
        desk.apply(self.file(T, MD, R), "a.xlsx")
        rows = {one.statistic: one for one in ContrastStatistic._base_manager.filter(entry=desk.entry)}
        assert {name: one.value_printed for name, one in rows.items()} == {
            "t": "-2.10",
            "mean_difference": "-1.70",
            "r": ".62",
        }
        assert (str(rows["t"].arm), str(rows["t"].versus), rows["t"].df) == ("Drug A", "Placebo", 48.0)
        assert (rows["r"].versus, rows["mean_difference"].ci_level) == (None, 95.0)
        assert desk.entry.outcomes.count() == desk.entry.timepoints.count() == 1  # those of the observations
        assert desk.preview(self.file(T, MD, R), "a.xlsx").changes_nothing

    def test_a_changed_cell_is_shown_with_old_and_new(self, desk: Desk) -> None:
        desk.apply(self.file(T, MD, R), "a.xlsx")
        shown = desk.preview(self.file(T, [*MD[:6], "-1.71", *MD[7:]], R), "a.xlsx")
        changed = [
            (row.title, cell.old, cell.new)
            for trial in shown.trials
            for row in trial.rows
            for cell in row.cells
            if cell.state is State.CHANGED
        ]
        assert changed == [("mean difference, IL-6, Drug A, post week 12 against Placebo", "-1.70", "-1.71")]

    def test_the_arms_the_other_way_round_turn_the_row_that_is_there(self, desk: Desk) -> None:
        desk.apply(self.file(T), "a.xlsx")
        desk.apply(self.file(["S001", "Placebo", "Drug A", *T[3:6], "2.10", *T[7:]]), "a.xlsx")
        row = ContrastStatistic._base_manager.get(entry=desk.entry)
        assert (str(row.arm), str(row.versus), row.value) == ("Placebo", "Drug A", 2.1)

    @pytest.mark.parametrize(
        ("row", "words"),
        [
            (["S001", "Drug A", "Plazebo", *T[3:]], "There is no arm “Plazebo”"),
            (["S001", "Drug A", None, *T[3:]], "versus: is needed"),
            (["S001", "Drug A", "Drug A", *T[3:]], "is the same arm"),
            ([*T[:5], "p", "1.2", *T[7:]], "a p lies between 0 and 1"),
            ([*R[:2], "Drug A", *R[3:]], "about the change within one arm"),
            ([*T[:8], "1", "2", "95"], "only a difference has a CI here"),
        ],
    )
    def test_what_the_verb_would_refuse_is_refused_at_its_cell(self, desk: Desk, row: list[Value], words: str) -> None:
        shown = desk.preview(self.file(row), "a.xlsx")
        assert shown.refused
        assert words in " ".join(str(finding) for finding in shown.findings)

    def test_a_draft_goes_out_with_its_contrasts_and_comes_back_unchanged(self, desk: Desk) -> None:
        desk.apply(self.file(T, MD, R, [*T[:5], "F", "4.41", "1, 48", None, None, None]), "a.xlsx")
        data = template_workbook(desk.review, by=desk.me, with_drafts=True)
        shown = desk.preview(data, "draft.xlsx")
        assert not shown.refused, [str(finding) for finding in shown.findings]
        assert shown.changes_nothing
        assert sum(row.subject == "contrast" for trial in shown.trials for row in trial.rows) == 4
