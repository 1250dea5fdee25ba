"""Which report a value stands in: what a person may choose among."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from extraction.access import Viewer
from extraction.forms.inputs import Option
from extraction.models import Report


def report_options(trial_id: int, by: Viewer, rows: Iterable[Any] = ()) -> list[Option]:
    """The reports of a trial that a person sees, with those that `rows` name already; none where there is no choice."""
    named: set[UUID] = {row.source_report_id for row in rows} - {None}
    seen = Report.objects.visible_to(by).filter(trial=trial_id)
    offered = [(str(one.pk), str(one)) for one in seen if one.withdrawn_at is None or one.pk in named]
    return [("", "not said"), *offered] if len(offered) > 1 or named else []
