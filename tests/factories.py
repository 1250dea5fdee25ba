"""Objects for tests, valid with no arguments. Rows of entries are made through the verbs, like everywhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import factory
from factory.django import DjangoModelFactory

from extraction import approve, enter, reconcile
from extraction.decisions import Decision
from extraction.enter import Change
from extraction.models import Assignment, Entry, Intervention, Marker, Membership, Review, Slot, Trial, User
from extraction.record import WITHIN_ARM, Subject
from extraction.recorded import recording
from extraction.states import Status

PASSWORD = "a password for tests only"


class RecordedFactory(DjangoModelFactory[Any]):
    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        with recording():
            return super()._create(model_class, *args, **kwargs)


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    password = factory.django.Password(PASSWORD)


class ReviewFactory(RecordedFactory):
    class Meta:
        model = Review

    title = factory.Sequence(lambda n: f"Review {n}")


class MembershipFactory(RecordedFactory):
    class Meta:
        model = Membership

    review = factory.SubFactory(ReviewFactory)
    user = factory.SubFactory(UserFactory)
    reader = True


class InterventionFactory(RecordedFactory):
    class Meta:
        model = Intervention

    review = factory.SubFactory(ReviewFactory)
    code = factory.Sequence(lambda n: f"treatment{n}")
    name = factory.LazyAttribute(lambda row: row.code.title())


class MarkerFactory(RecordedFactory):
    class Meta:
        model = Marker

    review = factory.SubFactory(ReviewFactory)
    code = factory.Sequence(lambda n: f"marker{n}")
    name = factory.LazyAttribute(lambda row: row.code.title())
    direction = -1


class TrialFactory(RecordedFactory):
    """A trial with its slots A and B assigned to two extractors of the review."""

    class Meta:
        model = Trial
        skip_postgeneration_save = True

    review = factory.SubFactory(ReviewFactory)
    label = factory.Sequence(lambda n: f"Trial {n:04d}")

    @factory.post_generation
    def slots(trial: Trial, create: bool, extracted: Any, **kwargs: Any) -> None:  # noqa: N805
        if extracted is False:
            return
        with recording():
            for slot in (Slot.A, Slot.B):
                user = (extracted or {}).get(slot) or member(trial.review, "extractor")
                Assignment.objects.create(trial=trial, slot=slot, user=user)


def made(factory_class: Any, **kwargs: Any) -> Any:
    """What a factory makes; its class does not say what that is."""
    return factory_class(**kwargs)


def member(review: Review, *roles: str, user: User | None = None, **kwargs: Any) -> User:
    """A person with these roles in the review."""
    user = user or made(UserFactory, **kwargs)
    with recording():
        Membership.objects.update_or_create(review=review, user=user, defaults=dict.fromkeys(roles, True))
    return user


def holder(trial: Trial, slot: str) -> User:
    return trial.assignments.get(slot=slot).user


# What a small trial reports: two arms, one time, one outcome.
SMALL: dict[str, dict[str, str]] = {
    "treated": {"n": "24", "centre": "-2.1", "spread": "1.5"},
    "control": {"n": "25", "centre": "-0.4", "spread": "1.7"},
}


def small_changes(
    outcome: str = "IL-6",
    marker: str = "",
    cells: dict[str, dict[str, str]] | None = None,
    quantity: str = "change",
    contrasts: Sequence[dict[str, str]] = (),
) -> list[Change]:
    """The rows of a small trial as an extractor would type them; `cells` replaces texts per arm.

    A contrast is "treated" against "control" where its texts do not say otherwise, by these names.
    """
    keys: dict[str, UUID] = {name: uuid4() for name in ("treated", "control", "time", "outcome")}
    said = {arm: {**texts, **(cells or {}).get(arm, {})} for arm, texts in SMALL.items()}
    return [
        Change(Subject.ARM, keys["treated"], values={"label": "Training", "n_randomised": "25"}),
        Change(
            Subject.ARM,
            keys["control"],
            values={"label": "Waiting list", "role": "control", "n_randomised": "26"},
        ),
        Change(Subject.TIMEPOINT, keys["time"], values={"phase": "post", "weeks": "12"}),
        Change(Subject.OUTCOME, keys["outcome"], values={"name": outcome, "marker": marker, "unit": "pg/mL"}),
        *(
            Change(
                Subject.OBSERVATION,
                uuid4(),
                values={
                    "arm": str(keys[arm]),
                    "timepoint": str(keys["time"]),
                    "outcome": str(keys["outcome"]),
                    "quantity": quantity,
                    "centre_kind": "mean",
                    "spread_kind": "sd",
                    **texts,
                },
            )
            for arm, texts in said.items()
        ),
        *(Change(Subject.CONTRAST, uuid4(), values=contrast_texts(keys, **texts)) for texts in contrasts),
    ]


def contrast_texts(keys: Mapping[str, UUID], **texts: str) -> dict[str, str]:
    """What is typed of a contrast of the small trial; arms go by "treated" and "control", "" is no arm."""
    within = texts.get("statistic") in {one.value for one in WITHIN_ARM}
    named = {"arm": "treated", "versus": "" if within else "control", **texts}
    arms = {name: str(keys[named[name]]) if named[name] in keys else named[name] for name in ("arm", "versus")}
    return {"outcome": str(keys["outcome"]), "timepoint": str(keys["time"]), **named, **arms}


def draft(trial: Trial, slot: str, **kwargs: Any) -> Entry:
    """A draft of a small trial in the slot."""
    user = holder(trial, slot)
    entry = enter.start(trial.pk, by=user)
    return enter.save(entry.pk, small_changes(**kwargs), by=user)


def submitted(trial: Trial, slot: str, **kwargs: Any) -> Entry:
    entry = draft(trial, slot, **kwargs)
    return enter.submit(entry.pk, by=holder(trial, slot))


def trial_at(status: str, review: Review | None = None, *, decider: User | None = None, **kwargs: Any) -> Trial:
    """A small trial brought to `status` by the verbs, the way it would get there."""
    said = {"marker": kwargs.pop("marker", ""), "contrasts": kwargs.pop("contrasts", ())}
    trial: Trial = made(TrialFactory, **({"review": review} if review else {}), **kwargs)
    if status == Status.ENTERING:
        return trial
    decider = decider or member(trial.review, "adjudicator", "lead")
    submitted(trial, "A", **said)
    if status == Status.ALIGNING:
        submitted(trial, "B", outcome="Something else", **said | {"marker": ""})
    elif status == Status.ADJUDICATING:
        submitted(trial, "B", **said, cells={"treated": {"centre": "2.1"}})
    else:
        submitted(trial, "B", **said)
    if status == Status.APPROVED:
        approve.approve(trial.pk, by=decider)
    trial.refresh_from_db()
    assert trial.status == status
    return trial


def decide_all_for_a(trial: Trial, *, by: User) -> None:
    decision = Decision(choice="A", reason_code="typo")
    for discrepancy in trial.discrepancies.unresolved():
        reconcile.resolve(discrepancy.pk, decision, by=by)
