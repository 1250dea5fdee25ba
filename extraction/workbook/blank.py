"""The same form on paper: what stands on the printable blank form of a review, generated from its vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

from extraction import access
from extraction.models import Review
from extraction.workbook.codebook import vocabulary_of
from extraction.workbook.columns import Column, ModeratorTerm, Term, columns_of
from extraction.workbook.template import RULES, STATUSES, word_lists

ARM_ROWS, OBSERVATION_ROWS, CONTRAST_ROWS = 6, 24, 8
ON_PAPER = (
    "arm", "marker", "unit", "phase", "weeks", "n", "mean", "sd", "se", "median", "q1", "q3", "ci_low", "ci_high",
    "page", "source",
)  # fmt: skip

CONTRASTS_ON_PAPER = (
    "arm", "versus", "marker", "phase", "weeks", "statistic", "value", "df", "ci_low", "ci_high", "adjusted", "page",
    "source",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BlankForm:
    review: Review
    rules: tuple[str, ...]
    statuses: tuple[str, ...]
    moderators: tuple[ModeratorTerm, ...]  # of the trial
    arm_columns: tuple[Column, ...]
    observation_columns: tuple[Column, ...]
    contrast_columns: tuple[Column, ...]
    other_columns: tuple[Column, ...]  # of observations that have no place in the printed table
    lists: tuple[tuple[str, tuple[Term, ...]], ...]  # the words of a column, markers apart
    markers: tuple[Term, ...]
    arm_rows: range
    observation_rows: range
    contrast_rows: range


def blank_form(review: Review, *, by: access.Viewer) -> BlankForm:
    vocabulary = vocabulary_of(review, by=by)
    columns = {column.name: column for column in columns_of("observations", vocabulary)}
    lists = word_lists(vocabulary)
    of_trial = {moderator.code for moderator in vocabulary.moderators}
    return BlankForm(
        review=review,
        rules=RULES[1:6],
        statuses=STATUSES,
        moderators=tuple(moderator for moderator in vocabulary.moderators if not moderator.of_arm),
        arm_columns=tuple(column for column in columns_of("arms", vocabulary) if column.name != "trial"),
        observation_columns=tuple(columns[name] for name in ON_PAPER),
        contrast_columns=tuple(
            column for column in columns_of("contrasts", vocabulary) if column.name in CONTRASTS_ON_PAPER
        ),
        other_columns=tuple(column for name, column in columns.items() if name not in (*ON_PAPER, "trial")),
        lists=tuple((name, words.terms) for name, words in lists.items() if name != "marker" and name not in of_trial),
        markers=vocabulary.markers,
        arm_rows=range(ARM_ROWS),
        observation_rows=range(OBSERVATION_ROWS),
        contrast_rows=range(CONTRAST_ROWS),
    )
