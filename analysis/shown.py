"""What the pages show of a review's results, read through `visible_to` in a number of queries that does not grow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
import pandas as pd

from analysis import charts, wording
from analysis.freshness import Freshness, State, current_of, freshness
from analysis.models import CurrentResult, Effect, PooledResult, SnapshotTrial, Synthesis
from analysis.pooling import ModeratorValues, average, effects_frame, selected
from analysis.snapshot import moderator_values
from analysis.specification import Filters, InvalidFilters, Model, Specification
from extraction.access import Viewer
from extraction.models import Review

BY_MARKER, BY_CLASS = "By marker", "By outcome class"


@dataclass(frozen=True)
class Row:
    """One synthesis with the result that it shows; `result` is None before the first run."""

    synthesis: Synthesis
    current: CurrentResult | None
    state: State

    @property
    def result(self) -> PooledResult | None:
        return self.current.result if self.current else None

    @property
    def pooled(self) -> PooledResult | None:
        """The result where it has a number to show."""
        return self.result if self.result is not None and self.result.estimate is not None else None

    def line(self, **more: bool) -> charts.Line:
        result = self.pooled
        prediction = None
        if result is not None and result.pi_low is not None and result.pi_high is not None:
            prediction = (result.pi_low, result.pi_high)
        return charts.Line(
            name=self.synthesis.name,
            estimate=result.estimate if result else None,
            low=result.ci_low if result else None,
            high=result.ci_high if result else None,
            address=self.synthesis.get_absolute_url(),
            trials=self.result.trials if self.result else None,
            effects=self.result.effects if self.result else None,
            prediction=prediction,
            tau2=result.tau2 if result else None,
            few_df=result.few_df if result else False,
            **more,
        )


@dataclass(frozen=True)
class Results:
    """All syntheses of a review as one person may see them."""

    review: Review
    rows: Sequence[Row]
    freshness: Freshness

    @cached_property
    def primary(self) -> Row | None:
        return next((row for row in self.rows if row.synthesis.is_primary), None)

    @cached_property
    def groups(self) -> list[tuple[str, list[tuple[Row, charts.Mini | None]]]]:
        """Rows by heading, each with its small drawing; slopes share no axis with effects and have none."""
        drawn = [row for row in self.rows if row.synthesis.moderator_id is None]
        minis = charts.minis([row.line(pooled=row.synthesis.is_primary) for row in drawn])
        mini_of = {row.synthesis.pk: mini for row, mini in zip(drawn, minis, strict=True)}
        return [
            (group, [(row, mini_of.get(row.synthesis.pk)) for row in rows])
            for group, rows in groupby(self.rows, key=lambda row: row.synthesis.group)
        ]

    @cached_property
    def forests(self) -> list[str]:
        """The groups that can be drawn; outcome classes go with their markers."""
        names = {row.synthesis.group: None for row in self.rows if row.pooled and not row.synthesis.moderator_id}
        return [name for name in names if name and not (name == BY_CLASS and BY_MARKER in names)]

    @property
    def default_forest(self) -> str:
        return BY_MARKER if BY_MARKER in self.forests else next(iter(self.forests), "")

    def lines(self, group: str) -> list[charts.Line]:
        """The rows of one group for a forest; markers stand under their class."""
        members = [row for row in self.rows if row.synthesis.group == group and row.result is not None]
        if group != BY_MARKER:
            return [row.line() for row in members]
        by_class: dict[str, list[Row]] = defaultdict(list)
        for row in members:
            marker = _only(row.synthesis, "markers")
            by_class[self.freshness.data.classes.get(marker, "")].append(row)
        lines = []
        for row in self.rows:
            if row.synthesis.group == BY_CLASS and row.result is not None:
                within = by_class.pop(_only(row.synthesis, "outcome_classes"), [])
                lines += [row.line(pooled=True, heading=True), *(one.line(indented=True) for one in within)]
        rest = [row for rows in by_class.values() for row in rows]
        return lines + [row.line(heading=bool(lines) and not n) for n, row in enumerate(rest)]

    @property
    def sentences(self) -> list[str]:
        primary = self.primary
        if primary is None or primary.pooled is None or primary.synthesis.moderator_id is not None:
            return []
        markers = [row for row in self.rows if row.synthesis.group == BY_MARKER]
        parts = [
            wording.Part(row.synthesis.name, row.pooled.estimate, row.pooled.ci_low, row.pooled.ci_high)
            for row in markers
            if row.pooled is not None
            and row.pooled.estimate is not None
            and row.pooled.ci_low is not None
            and row.pooled.ci_high is not None
        ]
        return wording.lead_sentences(primary.synthesis.name, primary.pooled, primary.synthesis.level, parts)


def results_of(review: Review, by: Viewer) -> Results:
    syntheses = list(
        Synthesis.objects.visible_to(by)
        .filter(review=review)
        .select_related("review", "moderator", "current__result", "current__snapshot")
        .order_by("position", "pk")
    )
    found = freshness(review.pk, syntheses)
    rows = [Row(one, current_of(one), found.states[one.pk]) for one in syntheses]
    return Results(review, rows, found)


def _only(synthesis: Synthesis, name: str) -> str:
    """The code of a filter that names exactly one thing."""
    codes = synthesis.filters.get(name, [])
    return codes[0] if len(codes) == 1 else ""


# --- The effects of one synthesis ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Average:
    """The effects of one trial as one: their mean, its standard error, and the trial's share of all weight."""

    label: str
    trial_id: int
    effects: int
    estimate: float
    se: float
    weight: float
    under_revision: bool

    def line(self, quantile: float = 1.96) -> charts.Line:
        return charts.Line(
            name=self.label,
            estimate=self.estimate,
            low=self.estimate - quantile * self.se,
            high=self.estimate + quantile * self.se,
            address=f"#trial-{self.trial_id}",
            effects=self.effects,
            weight=self.weight,
        )


@dataclass(frozen=True)
class Chosen:
    """The effects of a synthesis that one person may see: those pooled, and those kept out with their reason."""

    pooled: Sequence[Effect]
    kept_out: Sequence[Effect]
    averages: Sequence[Average]
    not_shown: int  # pooled, but of trials that this person extracts


def chosen_by(row: Row, classes: Mapping[str, str], by: Viewer) -> Chosen:
    """The effects behind the result that a row shows."""
    current = row.current
    if current is None:
        return Chosen([], [], [], 0)
    entries = SnapshotTrial.objects.visible_to(by).filter(snapshot=current.snapshot_id)
    effects = list(
        Effect.objects.visible_to(by)
        .filter(specification=current.result.effects_made_by, entry__in=entries.values("entry"))
        .select_related("trial", "marker", "intervention")
        .defer("ledger")
        .order_by("trial__label_key", "entry", "position")
    )
    usable = passing(row.synthesis, [e for e in effects if not e.reason], classes)
    kept_out = passing(row.synthesis, [e for e in effects if e.reason], classes)
    rho, tau2 = row.synthesis.rho, current.result.tau2 or 0.0
    return Chosen(usable, kept_out, averages(usable, rho, tau2), max(0, current.result.effects - len(usable)))


def passing(synthesis: Synthesis, effects: Sequence[Effect], classes: Mapping[str, str]) -> list[Effect]:
    """Those that the filters and the window of the synthesis let through: the same rule as when pooling."""
    try:
        specification = synthesis.specification()
    except InvalidFilters:
        return []
    return Sieve(effects, classes, specification.filters.levels).passing(specification)


class Sieve:
    """Effects that several syntheses are asked about: laid out once, and once read what is said of the moderators."""

    def __init__(self, effects: Sequence[Effect], classes: Mapping[str, str], moderators: Iterable[str]) -> None:
        self.effects, self.classes, self.codes = list(effects), classes, frozenset(moderators)

    @cached_property
    def moderators(self) -> ModeratorValues:
        return moderator_values({e.entry_id for e in self.effects}, self.codes) if self.codes else {}

    @cached_property
    def frame(self) -> pd.DataFrame:
        return effects_frame(
            [
                (
                    number, str(e.entry_id), e.position, str(e.treatment_key), str(e.control_key), str(e.outcome_key),
                    e.marker.code if e.marker else "", e.intervention.code if e.intervention else "",
                    e.weeks, e.weeks_after_end, e.yi, e.vi,
                )
                for number, e in enumerate(self.effects)
            ]
        )  # fmt: skip

    def passing(self, specification: Specification) -> list[Effect]:
        if specification.filters == Filters() and specification.window == "post_any":
            return list(self.effects)
        taken = selected(self.frame, specification, self.classes, self.moderators)
        return [self.effects[number] for number in taken["trial"]]


def averages(effects: Sequence[Effect], rho: float, tau2: float) -> list[Average]:
    """One row per trial, in the order of the effects."""
    found = []
    for trial_id, group in groupby(effects, key=lambda effect: effect.trial_id):
        own = list(group)
        yi, vi = (np.array([getattr(effect, name) for effect in own], dtype=float) for name in ("yi", "vi"))
        found.append((trial_id, own, float(yi.mean()), average(vi, rho), 1.0 / (float(vi.mean()) + tau2)))
    total = sum(weight for *_, weight in found)
    return [
        Average(
            label=own[0].trial.label,
            trial_id=trial_id,
            effects=len(own),
            estimate=estimate,
            se=variance**0.5,
            weight=weight / total,
            under_revision=own[0].trial.under_revision,
        )
        for trial_id, own, estimate, variance, weight in found
    ]


def described(synthesis: Synthesis) -> list[tuple[str, str]]:
    """What a synthesis takes and how it pools, in words."""
    filters = Filters.from_json(synthesis.filters)
    said = [
        ("Effect measure", synthesis.get_measure_display()),
        ("Times", synthesis.get_window_display()),
        ("Interventions", ", ".join(filters.interventions)),
        ("Outcome classes", ", ".join(filters.outcome_classes)),
        ("Markers", ", ".join(filters.markers)),
        *((moderator, ", ".join(levels)) for moderator, levels in filters.levels.items()),
        ("Moderator", str(synthesis.moderator or "")),
        ("Model", model_in_words(synthesis)),
        ("Imputed pre-post r", "" if synthesis.imputed_r is None else f"{synthesis.imputed_r:g}"),
    ]
    return [(name, text) for name, text in said if text]


def model_in_words(synthesis: Synthesis) -> str:
    if synthesis.model == Model.RVE:
        return f"RVE, correlated effects, ρ {synthesis.rho:g}, small-sample corrected"
    return "Random effects, REML, Knapp and Hartung"
