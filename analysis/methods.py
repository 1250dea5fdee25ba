"""Sentences on agreement for a Methods section, from counts alone; no adjective, nothing that is not counted."""

from __future__ import annotations

from analysis.agreement import NOTABLE, Agreement, Structure
from analysis.wording import decimals, share


def methods_sentences(found: Agreement) -> list[str]:
    """What can be pasted into a manuscript; [] before the first pair of entries."""
    if not found.trials:
        return []
    first = (
        f"Two reviewers, blind to each other, extracted {_count(found.trials, 'trial')} independently; agreement was "
        "computed on the first submitted versions, before any reconciliation."
    )
    said = [first]
    cells = found.cell_structure
    if cells is not None and cells.either:
        said.append(
            f"Of {_count(cells.either, 'cell')} (outcome, arm and time) that either reported, both reported "
            f"{share(cells.jaccard)}{_others(found)}."
        )
    overall = found.overall
    if overall.units:
        sentence = (
            f"Of {_count(overall.units, 'number')}, {share(overall.same)} were identical, equal at the printed "
            "precision or equivalent by an exact conversion"
        )
        icc = {one.name: one for one in dict(found.tables)["By field"] if one.icc is not None}
        parts = [
            f"{decimals(one.icc, 3)} for {name}{', on the log scale' if one.scale == 'log' else ''}"
            for name, one in icc.items()
            if name in {"n", "centre", "spread"}
        ]
        icc_said = f"; the intraclass correlation, ICC(1,1), was {_list(parts)}" if parts else ""
        said.append(f"{sentence}{icc_said}.")
    kappas = [one for one in found.categories if one.kappa is not None]
    if kappas:
        low, high = min(kappas, key=lambda one: one.kappa or 0.0), max(kappas, key=lambda one: one.kappa or 0.0)
        said.append(
            f"Cohen's kappa of {_count(len(kappas), 'categorical field')} ranged from {decimals(low.kappa)} "
            f"({low.name}) to {decimals(high.kappa)} ({high.name})."
            if len(kappas) > 1
            else f"Cohen's kappa of {low.name} was {decimals(low.kappa)}."
        )
    if found.effects.differences:
        effects = found.effects
        said.append(
            f"Computed from either entry alone, {_count(len(effects.differences), 'effect size')} differed by more "
            f"than {NOTABLE} g in {share(effects.share)} (median {decimals(effects.median, 3)}, largest "
            f"{decimals(effects.largest)})."
        )
    if found.causes:
        most = ", ".join(f"{cause.in_sentence} ({count})" for cause, count in found.causes[:3])
        said.append(f"Differences were decided by a third person; the most frequent causes were {most}.")
    return said


def _others(found: Agreement) -> str:
    parts = [f"{share(one.jaccard)} of {one.name}" for one in found.structure if _counts(one) and one.name != "cells"]
    return f", and {_list(parts)}" if parts else ""


def _counts(one: Structure) -> bool:
    return one.either > 0


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _list(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
