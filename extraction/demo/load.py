"""The demo review: a real one, brought in by the verbs and the importer like any other.

High-intensity interval exercise versus moderate continuous training: 56 trials, entered twice, the second entry with
planted differences (extraction/demo/data/README.md). The trials on which both agree are approved; the others wait for
the adjudicator; two made-up trials are there to be entered by hand.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openpyxl import Workbook

from extraction import approve, assign, define, enter, setup
from extraction.access import Role
from extraction.models import (
    Assignment,
    Intervention,
    Marker,
    Moderator,
    ModeratorLevel,
    OutcomeClass,
    Review,
    Slot,
    Trial,
    User,
)
from extraction.record import ModeratorKind
from extraction.states import Status
from extraction.workbook import importing

DATA = Path(__file__).parent / "data"
TITLE = "HIIE versus MICT"
QUESTION = (
    "In adults, does high-intensity interval exercise (HIIE) change fitness, body composition and cardiometabolic "
    "markers more than moderate-intensity continuous training (MICT)?"
)
MADE_UP = ("Example trial one (made up)", "Example trial two (made up)")

INTERVENTIONS = {
    "HIIT": (
        "High-intensity interval training",
        "Repeated bouts near maximal aerobic power, with recovery between them.",
    ),
    "SIT": ("Sprint interval training", "Repeated all-out sprints above maximal aerobic power."),
    "MICT": ("Moderate-intensity continuous training", "Steady exercise at moderate intensity; the comparator here."),
}
CLASSES = {
    "Vascular function": ["Flow-mediated Dilation"],
    "Fitness": ["VO2max"],
    "Blood lipids": ["HDL", "LDL", "Total Cholesterol", "Triglycerides"],
    "Glucose and insulin": ["Fasting Glucose", "Fasting Insulin", "HbA1c", "HOMA-IR"],
    "Blood pressure": ["Systolic Blood Pressure", "Diastolic Blood Pressure"],
    "Body composition": ["BMI", "Body Fat", "Body Mass"],
    "Inflammation": ["C-reactive Protein"],
}
MODERATORS = {
    "population": (ModeratorKind.LEVEL, "Population", "", "Who was randomised."),
    "exercise": (ModeratorKind.LEVEL, "Exercise", "", "Mode of training."),
    "mean_age": (ModeratorKind.NUMBER, "Mean age", "years", "Of all who were randomised."),
    "intervention_weeks": (ModeratorKind.NUMBER, "Duration", "weeks", "Planned length of the training."),
    "percent_female": (ModeratorKind.NUMBER, "Women", "%", "Share of women among those randomised."),
}
BENEFIT = {"increase": 1, "decrease": -1}


@dataclass(frozen=True, slots=True)
class Account:
    username: str
    roles: tuple[Role, ...]
    staff: bool
    what: str


ACCOUNTS = (
    Account("extractor-a", (Role.EXTRACTOR,), False, "extractor A: enters trials, blind to B"),
    Account("extractor-b", (Role.EXTRACTOR,), False, "extractor B: enters trials, blind to A"),
    Account("adjudicator", (Role.ADJUDICATOR,), True, "adjudicator: decides where A and B differ"),
    Account("lead", (Role.LEAD,), True, "lead: sets up, approves, answers for the result"),
)


@dataclass(frozen=True, slots=True)
class People:
    extractor_a: User
    extractor_b: User
    adjudicator: User
    lead: User

    @property
    def holders(self) -> dict[str, User]:
        return {Slot.A: self.extractor_a, Slot.B: self.extractor_b}


def make_people() -> tuple[People, dict[str, str]]:
    """The four demo accounts, with passwords made for this installation: returned once, stored only as hashes."""
    passwords = {account.username: secrets.token_urlsafe(9) for account in ACCOUNTS}
    users = [
        User.objects.create_user(account.username, password=passwords[account.username], is_staff=account.staff)
        for account in ACCOUNTS
    ]
    return People(*users), passwords


def load(people: People) -> Review:
    """The whole demo review, up to the approval of the trials on which A and B agree."""
    review = define_review(people)
    import_entries(review, people)
    submit_entries(review, people)
    agreed = Trial.objects.filter(review=review, status=Status.AGREED).values_list("pk", flat=True)
    for _, _, refusal in approve.approve_many(list(agreed), by=people.lead):
        if refusal is not None:
            raise refusal
    return review


def define_review(people: People) -> Review:
    """Vocabulary, members, trials and slots; nothing entered yet."""
    review = setup.create_review(TITLE, question=QUESTION, by=people.lead)
    for account, user in zip(ACCOUNTS, (people.extractor_a, people.extractor_b, people.adjudicator), strict=False):
        setup.set_member(review.pk, user.pk, account.roles, by=people.lead)
    _vocabulary(review, by=people.lead)
    labels = [{"label": row["trial"], "year": int(row["year"])} for row in rows("trials.csv")]
    trials = setup.add_trials(review.pk, labels + [{"label": label} for label in MADE_UP], by=people.lead)
    for trial in trials:
        for slot, user in people.holders.items():
            assign.assign(trial.pk, slot, user.pk, by=people.lead)
    return review


def import_entries(review: Review, people: People) -> None:
    """What each extractor uploads: one workbook with the sheets trials, arms and observations."""
    for letter, user in (("a", people.extractor_a), ("b", people.extractor_b)):
        importing.apply(f"entry-{letter}.xlsx", workbook_of(letter), review_id=review.pk, by=user)


def workbook_of(letter: str) -> bytes:
    """An extractor's three CSV files as one workbook; every cell is text, as printed."""
    book = Workbook(write_only=True)
    for sheet, name in (("trials", "trials"), ("arms", f"arms_{letter}"), ("observations", f"observations_{letter}")):
        page = book.create_sheet(sheet)
        with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for line in csv.reader(file):
                page.append(line)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def submit_entries(review: Review, people: People) -> None:
    for user in people.holders.values():
        mine = Assignment.objects.filter(trial__review=review, user=user).exclude(trial__label__in=MADE_UP)
        for assignment in mine.order_by("trial__label_key"):
            entry = enter.start(assignment.trial_id, by=user)
            enter.submit(entry.pk, by=user)


def rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _vocabulary(review: Review, *, by: User) -> None:
    for position, (code, (name, definition)) in enumerate(INTERVENTIONS.items()):
        values = {"code": code, "name": name, "definition": definition, "position": position}
        define.put(Intervention, review.pk, values, by=by)
    class_of: dict[str, OutcomeClass] = {}
    for position, (name, markers) in enumerate(CLASSES.items()):
        values = {"code": name, "name": name, "position": position}
        made = define.put(OutcomeClass, review.pk, values, by=by)
        class_of |= dict.fromkeys(markers, made)
    for position, row in enumerate(rows("markers.csv")):
        name = row["marker"]
        values = {"code": name, "name": name, "position": position, "outcome_class": class_of[name]}
        define.put(
            Marker, review.pk, {**values, "direction": BENEFIT[row["benefit"]], "canonical_unit": row["unit"]}, by=by
        )
    for position, (code, (kind, name, unit, definition)) in enumerate(MODERATORS.items()):
        values = {"code": code, "name": name, "kind": kind.value, "unit": unit, "position": position}
        moderator = define.put(Moderator, review.pk, {**values, "definition": definition}, by=by)
        if kind == ModeratorKind.LEVEL:
            for place, level in enumerate(sorted({row[code] for row in rows("trials.csv")})):
                define.put(
                    ModeratorLevel,
                    review.pk,
                    {"moderator": moderator, "code": level, "name": level, "position": place},
                    by=by,
                )
