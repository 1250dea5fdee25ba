"""The history: a thousand random tamperings, each found; and what the record has without a line."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from extraction import adjudicate, anchor, approve, chains, enter, reconcile
from extraction.decisions import Decision
from extraction.models import Event, Resolution, Review
from extraction.states import Status
from tests.factories import ReviewFactory, decide_all_for_a, draft, holder, made, member, small_changes, trial_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(settings, tmp_path, django_capture_on_commit_callbacks) -> Review:
    """Trials in every state; one approved twice, with a reopening between."""
    settings.HISTORY_ANCHOR = tmp_path / "heads"
    review: Review = made(ReviewFactory)
    lead = member(review, "lead", "adjudicator")
    with django_capture_on_commit_callbacks(execute=True):
        for status in Status:
            trial_at(status, review, decider=lead)
        trial = trial_at(Status.ADJUDICATING, review, decider=lead)
        decide_all_for_a(trial, by=lead)
        approve.approve(trial.pk, by=lead)
        approve.reopen(trial.pk, "the wrong table", by=lead)
        difference = trial.discrepancies.get().pk
        adjudicate.undo(difference, by=lead)
        reconcile.resolve(difference, Decision("B", "misread"), by=lead)
        approve.approve(trial.pk, by=lead)
        entering = trial_at(Status.ENTERING, review)
        for slot in ("A", "B"):
            entry = draft(entering, slot)
            enter.save(entry.pk, small_changes("CRP", quantity="score")[2:4], by=holder(entering, slot))
    return review


def read() -> chains.Reading:
    return chains.read_all(anchor.anchored())


def changed(value: Any, rng: random.Random) -> Any:
    """Another value of the same kind."""
    if isinstance(value, dict):
        return {**value, f"x{rng.randrange(100)}": rng.random()}
    if isinstance(value, str):
        return value[:-1] if value and rng.random() < 0.5 else (value + rng.choice("x 0"))[-40:]
    if isinstance(value, int):
        return value + rng.randint(1, 3)
    return value + timedelta(microseconds=rng.choice([1, 1000, 10**9]))


class Tampering:
    """One random way to tamper; each changes at least one line that anything bears witness of."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.lines: dict[str, list[Event]] = defaultdict(list)
        for event in Event._base_manager.order_by("chain", "seq"):
            self.lines[event.chain].append(event)
        self.witnessed = {head.chain: head.seq for head in anchor.anchored()}
        self.kind = self.rng.choice([self.edit, self.delete, self.reorder, self.cut])

    def edit(self) -> str:
        victim = self.rng.choice([event for lines in self.lines.values() for event in lines])
        name = self.rng.choice([field.attname for field in Event._meta.concrete_fields])
        value = getattr(victim, name)
        match name:
            case "id":
                new: Any = uuid4()
            case "actor_id" | "review_id" | "trial_id" | "entry_id":
                new = self._another(name, value)
            case "seq" | "chain":  # a place that is taken is refused by the database
                new = value + (10_000 if name == "seq" else "x")
            case _:
                new = changed(value, self.rng)
        Event._base_manager.filter(pk=victim.pk).update(**{name: new})
        return f"{name} of {victim}: {value!r} → {new!r}"

    def delete(self) -> str:
        """Not the last line of a chain that no head was kept of: nothing but that line knew of it."""
        victims = [
            event
            for chain, lines in self.lines.items()
            for event in lines
            if event.seq < len(lines) or event.seq <= self.witnessed.get(chain, 0)
        ]
        victim = self.rng.choice(victims)
        Event._base_manager.filter(pk=victim.pk).delete()
        return f"deleted {victim}"

    def reorder(self) -> str:
        chain = self.rng.choice([lines for lines in self.lines.values() if len(lines) > 1])
        one, other = self.rng.sample(chain, 2)
        for event, seq in ((one, 10**6), (other, one.seq), (one, other.seq)):
            Event._base_manager.filter(pk=event.pk).update(seq=seq)
        if self.rng.random() < 0.5:  # and with the hashes in the places where they were
            for event, as_in in ((one, other), (other, one)):
                hashes = {"hash": as_in.hash, "previous_hash": as_in.previous_hash}
                Event._base_manager.filter(pk=event.pk).update(**hashes)
        return f"swapped {one} and {other}"

    def cut(self) -> str:
        chain, last = self.rng.choice(sorted(self.witnessed.items()))
        start = self.rng.randint(1, last)
        Event._base_manager.filter(chain=chain, seq__gte=start).delete()
        return f"cut {chain} from {start}"

    def _another(self, field: str, value: Any) -> Any:
        used = {getattr(event, field) for lines in self.lines.values() for event in lines}
        if field == "review_id":
            used = set(Review._base_manager.values_list("pk", flat=True))
        return self.rng.choice(sorted(used - {value}, key=str))


@pytest.mark.parametrize("seeds", [range(100), pytest.param(range(100, 1000), marks=pytest.mark.slow)], ids=len)
def test_a_thousand_random_tamperings_are_all_found(history, seeds):
    made(ReviewFactory)  # where a line might be moved to
    untouched = read()
    assert untouched.whole, untouched.problems
    missed = []
    for seed in seeds:
        with transaction.atomic():
            tampering = Tampering(seed)
            done = tampering.kind()
            if read().whole:
                missed.append(done)
            transaction.set_rollback(True)
    assert read().whole
    assert missed == []


def test_a_tail_cut_off_an_entry_is_found_without_the_log_since_the_approval_noted_its_head(history, settings):
    settings.HISTORY_ANCHOR.unlink()
    entry = history.trials.filter(status=Status.APPROVED).first().entries.get(slot="A")
    Event._base_manager.filter(chain=f"entry:{entry.pk}", seq__gte=2).delete()
    assert any("anchored" in problem for problem in read().problems)


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("submit", "its submission has no line"),
        ("resolve", "a decision on discrepancy"),
        ("withdraw", "a withdrawal on discrepancy"),
    ],
)
def test_what_the_record_has_and_no_line_tells_of_is_named(verb, words, settings, tmp_path):
    settings.HISTORY_ANCHOR = tmp_path / "heads"  # other tests keep theirs in the usual place
    trial = trial_at(Status.ADJUDICATING)
    adjudicator = member(trial.review, "adjudicator")
    decide_all_for_a(trial, by=adjudicator)
    if verb == "withdraw":
        adjudicate.undo(Resolution.objects.get().discrepancy_id, by=adjudicator)
    assert read().whole
    victim = Event.objects.filter(verb=verb).latest("at")
    Event._base_manager.filter(chain=victim.chain, seq__gte=victim.seq).delete()
    assert any(words in problem for problem in read().problems)


def test_a_log_that_somebody_wrote_in_is_said_to_be_unreadable(history, settings):
    with settings.HISTORY_ANCHOR.open("a") as log:
        log.write("not a head\n")
    with pytest.raises(CommandError, match=r"line \d+ of the anchor log cannot be read"):
        call_command("verify_history")
