"""The sheet on agreement: one row per group and measure, as the page shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from analysis.agreement import NOTABLE, Agreement, agreement_of
from analysis.exports.frames import frame
from extraction import access
from extraction.access import Thing, Viewer
from extraction.models import Review
from extraction.record import Verdict

COLUMNS: Final = [
    "part", "name", "units", *(verdict.value for verdict in Verdict), "share_the_same", "icc_1_1", "icc_scale",
    "median_relative_error", "percent_agreement", "cohen_kappa", "gwet_ac1", "both", "jaccard", "value",
]  # fmt: skip


def agreement(review: Review, by: Viewer) -> pd.DataFrame:
    """Empty for a person to whom the report is not open."""
    allowed = Review.objects.visible_to(by).filter(access.visible(by, Thing.AGREEMENT, Review.PATHS))
    rows = list(_rows(agreement_of(review, by))) if allowed.filter(pk=review.pk).exists() else []
    return frame(COLUMNS, ([row.get(column) for column in COLUMNS] for row in rows))


def _rows(found: Agreement) -> Iterator[dict[str, Any]]:
    yield {"part": "trials", "name": "counted", "value": found.trials}
    yield {"part": "trials", "name": "rows not matched yet", "value": found.waiting}
    for one in found.structure:
        yield {"part": "structure", "name": one.name, "units": one.either, "both": one.both, "jaccard": one.jaccard}
    for category in found.categories:
        yield {
            "part": "categories", "name": category.name, "units": category.units,
            "percent_agreement": category.percent, "cohen_kappa": category.kappa, "gwet_ac1": category.ac1,
        }  # fmt: skip
    for title, rows in [("all", [found.overall]), *found.tables]:
        for numbers in rows:
            yield {
                "part": f"numbers, {title.lower()}", "name": numbers.name, "units": numbers.units,
                **{verdict.value: numbers.verdicts[verdict] for verdict in Verdict},
                "share_the_same": numbers.same, "icc_1_1": numbers.icc, "icc_scale": numbers.scale,
                "median_relative_error": numbers.error,
            }  # fmt: skip
    effects = found.effects
    for name, value in (
        ("computed from both", len(effects.differences)), ("computed from one side alone", effects.one_side),
        ("median of |g_A - g_B|", effects.median), ("90th percentile", effects.p90), ("largest", effects.largest),
        (f"share above {NOTABLE:g}", effects.share),
    ):  # fmt: skip
        yield {"part": "effects", "name": name, "value": value}
    for name, count in effects.bins:
        yield {"part": "effects by |g_A - g_B|", "name": name, "units": count}
    for cause, count in found.causes:
        yield {"part": "causes of differences", "name": cause.label, "units": count}
