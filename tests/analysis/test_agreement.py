"""Agreement: hand-worked numbers, an independent count of the demo review, and who is shown which trials."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from statistics import median
from typing import Any

import numpy as np
import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from analysis.agreement import Agreement, Effects, Numbers, Unit, agreement_of, categories, numbers, structure
from analysis.exports import workbook_of
from analysis.methods import methods_sentences
from analysis.models import Effect
from analysis.recompute import recompute
from analysis.setup import create_default_syntheses
from analysis.specification import Measure
from extraction import define, enter, reconcile
from extraction.decisions import Decision
from extraction.demo import load
from extraction.models import Discrepancy, Marker, ReasonCode, Review, UnitFactor, plain
from extraction.rated import Rated, Sort
from extraction.record import Subject, Verdict
from extraction.states import Status
from tests import factories


def unit(field: str, a: Any, b: Any, verdict: Verdict | None = None, sort: Sort = Sort.NUMBER) -> Unit:
    return Unit(Rated(sort, field, "crp", a=a, b=b, verdict=verdict), "Ann and Ben", "2026-11")


# --- by hand ------------------------------------------------------------------------------------------------


def test_the_jaccard_index_by_hand() -> None:
    """Five rows of which three are in both: 3/5."""
    rows = [Unit(Rated(Sort.STRUCTURE, "arms", both=both), "", "") for both in (True, True, True, False, False)]
    assert structure("arms", rows).jaccard == 0.6


def test_kappa_and_ac1_by_hand() -> None:
    """Cohen's textbook table 20, 5, 10, 15: p_o .7, p_e .5, kappa .4. AC1: pi .55 and .45, p_e 2(.55)(.45) = .495."""
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    found = categories("role", [unit("role", a, b, sort=Sort.CATEGORY) for a, b in pairs])
    assert found is not None
    assert (found.units, found.percent) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4, abs=1e-12)
    assert found.ac1 == pytest.approx((0.7 - 0.495) / (1 - 0.495), abs=1e-12)


def test_the_icc_by_hand_on_both_scales() -> None:
    """Pairs (1, 2), (3, 3), (5, 4): mean squares 9/2 between, 1/3 within, so (9/2 - 1/3)/(9/2 + 1/3) = 25/29."""
    plain = [unit("centre", a, b, Verdict.DIFFERENT) for a, b in ((-1.0, -2.0), (-3.0, -3.0), (-5.0, -4.0))]
    found = numbers("centre", plain)
    assert found.scale == "plain"
    assert found.icc == pytest.approx(25 / 29)
    log = [unit("spread", math.exp(a), math.exp(b), Verdict.DIFFERENT) for a, b in ((1.0, 2.0), (3.0, 3.0), (5.0, 4.0))]
    found = numbers("spread", log)
    assert found.scale == "log"
    assert found.icc == pytest.approx(25 / 29)


def test_the_relative_error_by_hand() -> None:
    """|a - b| over the mean of both: 0, 2/11 (10 and 12), 1 (1 and 3): the median is 2/11."""
    found = numbers("n", [unit("n", float(a), float(b), Verdict.DIFFERENT) for a, b in ((7, 7), (10, 12), (1, 3))])
    assert found.error == pytest.approx(2 / 11)


def test_a_spread_of_zero_has_no_logarithm_and_is_counted_as_left_out() -> None:
    rows = [unit("spread", float(a), float(b), Verdict.DIFFERENT) for a, b in ((0, 1), (1, 2), (3, 4), (9, 8))]
    found = numbers("spread", rows)
    assert (found.scale, found.left_out, found.pairs) == ("log", 1, 4)


def test_of_several_fields_together_the_icc_is_that_of_the_centres() -> None:
    """n and means share no unit: an ICC over both would tell n from means, not one trial from the other."""
    centres = [unit("centre", a, b, Verdict.DIFFERENT) for a, b in ((-1.0, -2.0), (-3.0, -3.0), (-5.0, -4.0))]
    with_n = [*centres, *(unit("n", float(n), float(n), Verdict.IDENTICAL) for n in (900, 910, 920))]
    assert numbers("IL-6", with_n).icc == numbers("centre", centres).icc


def test_verdicts_are_counted_and_what_says_the_same_is_the_first_three() -> None:
    verdicts = [Verdict.IDENTICAL] * 5 + [Verdict.ROUNDING] * 2 + [Verdict.EQUIVALENT, Verdict.ONE_MISSING]
    found = numbers("n", [unit("n", None, None, verdict) for verdict in [*verdicts, Verdict.DIFFERENT]])
    assert found.shares == [5, 2, 1, 1, 1]
    assert (found.units, found.same, found.icc, found.error) == (10, 0.8, None, None)


def test_effects_by_hand() -> None:
    found = Effects([0.0, 0.01, 0.05, 0.1, 0.11, 0.7])
    assert (found.notable, found.largest) == (2, 0.7)
    assert found.share == pytest.approx(1 / 3)
    assert found.median == pytest.approx(0.075)
    assert [count for _, count in found.bins] == [1, 1, 1, 1, 1, 0, 1]
    assert Effects().share is None


# --- the demo review, counted another way -------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(django_db_setup: Any, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock(), transaction.atomic():
        people, _ = load.make_people()
        review = load.load(people)
        create_default_syntheses(review.pk, by=people.lead, measure=Measure.CHANGE_G)
        yield review, people, agreement_of(review, people.adjudicator)
        transaction.set_rollback(True)


def planted() -> list[dict[str, str]]:
    with (load.DATA / "planted.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def both_sides() -> list[tuple[dict[str, str], dict[str, str]]]:
    """Cells that both of the demo's files have, by trial, arm and marker, read without any code of the project."""
    sides = []
    for letter in "ab":
        with (load.DATA / f"observations_{letter}.csv").open(encoding="utf-8", newline="") as file:
            sides.append({(row["trial"], row["arm"], row["marker"]): row for row in csv.DictReader(file)})
    return [(row, sides[1][place]) for place, row in sides[0].items() if place in sides[1]]


def field(found: Agreement, name: str) -> Numbers:
    return next(one for one in dict(found.tables)["By field"] if one.name == name)


@pytest.mark.django_db
def test_the_verdicts_of_the_demo_review_are_what_was_planted(demo: Any) -> None:
    _, _, found = demo
    names = {"mean": "centre", "sd": "spread", "n": "n"}
    wanted = Counter((names[row["field"]], row["verdict"]) for row in planted() if row["field"] in names)
    for name in names.values():
        verdicts = field(found, name).verdicts
        for verdict in Verdict:
            if verdict is not Verdict.IDENTICAL:
                assert verdicts[verdict] == wanted[name, verdict.value], (name, verdict)
    assert field(found, "n").units == len(both_sides())
    cells = found.cell_structure
    assert cells is not None
    assert cells.both == len(both_sides())
    assert cells.either - cells.both == sum(row["field"] == "" for row in planted())


@pytest.mark.django_db
def test_iccs_and_errors_of_the_demo_review_are_those_of_an_independent_count(demo: Any) -> None:
    _, _, found = demo
    columns = {"n": "n", "centre": "mean"}
    for name, column in columns.items():
        pairs = [(float(a[column]), float(b[column])) for a, b in both_sides() if a[column] and b[column]]
        values = np.array(pairs)
        on_log = bool((values > 0).all())
        used = np.log(values) if on_log else values
        own = field(found, name)
        assert own.pairs == len(pairs)
        assert own.scale == ("log" if on_log else "plain")
        assert own.icc == pytest.approx(one_way_icc(used), rel=1e-9)
        errors = [abs(a - b) / ((abs(a) + abs(b)) / 2) if a or b else 0.0 for a, b in pairs]
        assert own.error == pytest.approx(median(errors), abs=1e-12)


def one_way_icc(table: Any) -> float:
    """From the correlation of every pair with its own mirror image (Fisher), not from mean squares."""
    n = len(table)
    mean = table.mean()
    cross = ((table[:, 0] - mean) * (table[:, 1] - mean)).sum() / n
    own = ((table - mean) ** 2).sum() / (2 * n)
    intraclass = cross / own  # Fisher's; the ANOVA estimate follows from it
    within = own * (1 - intraclass)
    between = own * (1 + intraclass) * n / (n - 1)
    return float((between - within) / (between + within))


@pytest.mark.django_db
def test_effects_of_the_demo_review_that_differ_are_those_of_planted_cells(demo: Any) -> None:
    review, _, found = demo
    touched = {(row["trial"], row["marker"]) for row in planted()}
    assert len(found.effects.differences) + found.effects.one_side <= 391
    assert sum(one > 1e-12 for one in found.effects.differences) <= 2 * len(touched)
    recompute(review.pk)
    approved = Effect.objects.filter(trial__review=review, reason="").count()
    assert len(found.effects.differences) >= approved  # approved so far: those on which both agree
    assert found.measure == "Hedges g of change scores"


@pytest.mark.django_db
def test_the_sentences_and_the_sheet_say_what_the_page_says(demo: Any) -> None:
    review, people, found = demo
    said = " ".join(methods_sentences(found))
    assert "extracted 56 trials independently" in said
    assert f"Of {found.overall.units:,} numbers" in said
    client = Client()
    client.force_login(people.adjudicator)
    page = client.get(reverse("analysis:agreement", args=[review.pk])).content.decode()
    for name, count in found.effects.bins:
        assert f'<tr><th scope="row">{name}</th><td class="num">{count}</td></tr>' in page
    assert page.count('<rect class="sq"') == len(found.effects.bins)
    book = load_workbook(io.BytesIO(workbook_of(review, people.adjudicator)))
    rows = list(book["agreement"].iter_rows(values_only=True))
    head = rows[0]
    sheet = {(row[0], row[1]): dict(zip(head, row, strict=True)) for row in rows[1:]}
    spread = field(found, "spread")
    own = sheet["numbers, by field", "spread"]
    assert own["icc_1_1"] == pytest.approx(spread.icc)
    assert [own[verdict.value] for verdict in Verdict] == spread.shares
    assert sheet["effects", "share above 0.1"]["value"] == pytest.approx(found.effects.share)


@pytest.mark.django_db
def test_nothing_counts_twice_and_every_way_of_grouping_holds_all(demo: Any) -> None:
    _, _, found = demo
    for title, rows in found.tables:
        total = sum(one.units for one in rows)
        assert total == found.overall.units or title == "By marker", title
    assert len(dict(found.tables)["By pair of extractors"]) == 1


# --- who and what -------------------------------------------------------------------------------------------


@pytest.fixture
def review(db: Any) -> Review:
    found: Review = factories.made(factories.ReviewFactory)
    return found


@pytest.fixture
def judge(review: Review) -> Any:
    return factories.member(review, "lead", "adjudicator")


@pytest.mark.django_db
def test_trials_for_training_and_trials_still_entered_do_not_count(review: Review, judge: Any) -> None:
    for status in Status:
        factories.trial_at(status, review, decider=judge)
    factories.trial_at(Status.APPROVED, review, decider=judge, calibration=True)
    found = agreement_of(review, judge)
    assert (found.trials, found.waiting, found.hidden) == (3, 1, 0)  # aligning: rows not matched yet


@pytest.mark.django_db
def test_the_first_submitted_versions_count_whatever_came_later(review: Review, judge: Any) -> None:
    trial = factories.trial_at(Status.ADJUDICATING, review, decider=judge)
    before = agreement_of(review, judge)
    reconcile.return_to_extractors(trial.pk, ["B"], "the sign", by=judge)
    assert agreement_of(review, judge).trials == 0  # entered again: nobody is told of it
    entry = trial.entries.get(slot="B", number=2)
    row = entry.observations.get(arm__label="Training")
    change = enter.Change(Subject.OBSERVATION, row.pk, row.version, {"centre": "-2.1"})
    extractor = factories.holder(trial, "B")
    enter.save(entry.pk, [change], by=extractor)
    enter.submit(entry.pk, by=extractor)
    after = agreement_of(review, judge)
    assert after.overall.verdicts == before.overall.verdicts
    assert after.overall.verdicts[Verdict.DIFFERENT] == 1


@pytest.mark.django_db
def test_a_trial_that_the_person_extracts_is_left_out_of_their_report(review: Review, judge: Any) -> None:
    trial = factories.trial_at(Status.ADJUDICATING, review, decider=judge)
    factories.trial_at(Status.AGREED, review, decider=judge)
    both = agreement_of(review, judge)
    blind = factories.member(review, "lead", "adjudicator", user=factories.holder(trial, "A"))
    found = agreement_of(review, blind)
    assert (both.trials, found.trials, found.hidden) == (2, 1, 1)
    assert found.overall.verdicts[Verdict.DIFFERENT] == 0


@pytest.mark.django_db
def test_readers_and_extractors_have_no_report_and_an_empty_sheet(review: Review, judge: Any) -> None:
    factories.trial_at(Status.APPROVED, review, decider=judge)
    for role in ("reader", "extractor"):
        person = factories.member(review, role)
        client = Client()
        client.force_login(person)
        assert client.get(reverse("analysis:agreement", args=[review.pk])).status_code == 404
        book = load_workbook(io.BytesIO(workbook_of(review, person)))
        assert book["agreement"].max_row == 1


@pytest.mark.django_db
def test_a_cause_stands_in_a_sentence_as_it_is_written():
    assert [code.in_sentence for code in (ReasonCode.SE_AS_SD, ReasonCode.MISREAD)] == ["SE as SD", "misread table"]


def test_causes_are_those_of_the_newest_decisions(review: Review, judge: Any) -> None:
    trial = factories.trial_at(Status.ADJUDICATING, review, decider=judge)
    key = Discrepancy.objects.get(trial=trial).pk
    reconcile.resolve(key, Decision("A", "typo"), by=judge)
    reconcile.resolve(key, Decision("B", "misread"), by=judge)
    assert agreement_of(review, judge).causes == [(ReasonCode.MISREAD, 1)]
    assert "misread table (1)" in " ".join(methods_sentences(agreement_of(review, judge)))


@pytest.mark.django_db
def test_an_empty_review_says_what_to_wait_for(review: Review, judge: Any) -> None:
    client = Client()
    client.force_login(judge)
    page = client.get(reverse("analysis:agreement", args=[review.pk])).content.decode()
    assert "Agreement appears with the first" in page
    assert methods_sentences(agreement_of(review, judge)) == []


@pytest.mark.django_db
def test_the_queries_do_not_grow_with_the_review(review: Review, judge: Any) -> None:
    def queries() -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as caught:
            agreement_of(review, judge)
        return len(caught)

    factories.trial_at(Status.AGREED, review, decider=judge)
    one = queries()
    for _ in range(3):
        factories.trial_at(Status.AGREED, review, decider=judge)
    assert queries() == one


# --- what is kept in the cache ------------------------------------------------------------------------------


def told(review: Review, by: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Agreement, int]:
    """The report, and how many pairs had to be read for it."""
    read: list[Any] = []

    def reading(entries: Any) -> Any:
        keys = list(entries)
        read.extend(keys)
        return plain.read_entries(keys)

    monkeypatch.setattr("analysis.agreement.read_entries", reading)
    return agreement_of(review, by), len(read) // 2


@pytest.mark.django_db
def test_what_was_counted_once_is_not_counted_again(
    review: Review, judge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.trial_at(Status.ADJUDICATING, review, decider=judge)
    first, read = told(review, judge, monkeypatch)
    again, read_again = told(review, judge, monkeypatch)
    assert (read, read_again) == (1, 0)
    assert again == first
    # another person who may read the same pairs gets the same counts from the same place
    assert told(review, factories.member(review, "lead"), monkeypatch) == (first, 0)


@pytest.mark.django_db
def test_another_pair_is_counted_at_once_and_only_by_who_may_read_it(
    review: Review, judge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = factories.trial_at(Status.ADJUDICATING, review, decider=judge)
    blind = factories.member(review, "lead", "adjudicator", user=factories.holder(trial, "A"))
    told(review, judge, monkeypatch)
    assert told(review, blind, monkeypatch)[0].overall.units == 0  # never what was kept for who reads the pair
    one = told(review, judge, monkeypatch)[0].overall.units
    factories.trial_at(Status.AGREED, review, decider=judge)
    assert told(review, judge, monkeypatch)[0].overall.units > one
    assert told(review, blind, monkeypatch)[0].trials == 1


@pytest.mark.django_db
def test_a_changed_code_of_the_vocabulary_is_counted_under_its_new_name(
    review: Review, judge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = factories.made(factories.MarkerFactory, review=review, code="CRP")
    trial = factories.made(factories.TrialFactory, review=review)
    for slot in "AB":
        factories.submitted(trial, slot, marker="CRP")
    by_marker = dict(told(review, judge, monkeypatch)[0].tables)["By marker"]
    assert [one.name for one in by_marker] == ["CRP"]
    define.put(Marker, review.pk, {"code": "renamed"}, by=judge, pk=marker.pk)
    by_marker = dict(told(review, judge, monkeypatch)[0].tables)["By marker"]
    assert [one.name for one in by_marker] == ["renamed"]


@pytest.mark.django_db
def test_a_new_factor_of_units_and_another_measure_are_counted_anew(
    review: Review, judge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.trial_at(Status.AGREED, review, decider=judge)
    told(review, judge, monkeypatch)
    define.put(UnitFactor, review.pk, {"unit": "ng/L", "to_unit": "pg/mL", "factor": "1", "exact": True}, by=judge)
    assert told(review, judge, monkeypatch)[1] == 1
    create_default_syntheses(review.pk, by=judge, measure=Measure.CHANGE_G)
    assert told(review, judge, monkeypatch)[1] == 1
    assert told(review, judge, monkeypatch)[1] == 0
