"""Rules that learn: written from a decision, read at the field, versioned, held against the past, never deciding."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse

from extraction import ruling
from extraction.decisions import Decision
from extraction.errors import DuplicateRow, IllegalMove, InvalidValues, NotAllowed, NotFound, StaleVersion
from extraction.models import Discrepancy, Event, Marker, Review, Rule
from extraction.recheck import recheck, rules_by_field
from extraction.reconcile import resolve
from extraction.rules import change_rule, make_rule, withdraw_rule
from tests.factories import MarkerFactory, ReviewFactory, TrialFactory, draft, holder, made, member, submitted

pytestmark = pytest.mark.django_db

N = {"subject": "observation", "field": "n"}


@pytest.fixture
def review() -> Review:
    found: Review = made(ReviewFactory)
    made(MarkerFactory, review=found, code="il6", name="IL-6")
    made(MarkerFactory, review=found, code="crp", name="CRP")
    return found


@pytest.fixture
def judge(review: Review) -> Any:
    return member(review, "adjudicator")


def differing(review: Review, *, by: Any, choice: str = "A", a: str = "24", b: str = "30", marker: str = "il6") -> Any:
    """A trial whose entries differ in one n, and what was decided on it."""
    trial = made(TrialFactory, review=review)
    submitted(trial, "A", marker=marker, cells={"treated": {"n": a, "analysis_set": "completers"}})
    submitted(trial, "B", marker=marker, cells={"treated": {"n": b, "analysis_set": "ITT"}})
    found = Discrepancy.objects.get(trial=trial, field="n")
    if choice:
        resolve(found.pk, Decision(choice, "wrong_n", "use the ITT n"), by=by)
        found.refresh_from_db()
    return found


def rule(review: Review, by: Any, **values: Any) -> Rule:
    return make_rule(review.pk, {"text": "Use the ITT n", "prefers": "itt", **N, **values}, by=by)


# --- the verbs ----------------------------------------------------------------------------------------------


def test_a_decision_becomes_a_rule_of_its_field(review, judge):
    taught = differing(review, by=judge)
    marker = Marker.objects.get(review=review, code="il6")
    found = make_rule(review.pk, {"text": "Use the ITT n", "marker": marker}, by=judge, origin=taught.pk)
    assert (found.number, found.version, found.subject, found.field) == (1, 1, "observation", "n")
    assert (found.marker, found.origin, found.about) == (marker, taught, "n, IL-6")
    line = Event.objects.get(verb="make rule")
    assert (line.review, line.trial, line.actor, line.after["text"]) == (review, None, judge, "Use the ITT n")


def test_a_rule_changes_nothing_that_was_or_will_be_decided(review, judge):
    decided, waiting = differing(review, by=judge), differing(review, by=judge, choice="")
    before = list(Discrepancy.objects.order_by("pk").values())
    rule(review, judge)
    assert list(Discrepancy.objects.order_by("pk").values()) == before
    assert differing(review, by=judge, choice="").state == waiting.state == "open"
    assert decided.resolutions.count() == 1


def test_an_open_difference_teaches_nothing_yet(review, judge):
    with pytest.raises(IllegalMove, match="decide the difference first"):
        make_rule(review.pk, {"text": "x"}, by=judge, origin=differing(review, by=judge, choice="").pk)


def test_a_rule_goes_on_in_versions_and_the_older_ones_stay(review, judge):
    first = rule(review, judge)
    second = change_rule(first.pk, {"text": "Use the ITT n; completers where there is none"}, by=judge)
    assert (second.number, second.version, second.prefers) == (1, 2, "itt")
    assert list(Rule.objects.filter(review=review).order_by("version").values_list("current", flat=True)) == [
        False, True,
    ]  # fmt: skip
    with pytest.raises(StaleVersion):
        change_rule(first.pk, {"text": "x"}, by=judge)
    assert change_rule(second.pk, {"text": second.text}, by=judge) == second
    withdraw_rule(second.pk, "the protocol was amended", by=judge)
    assert rules_by_field(review, judge) == {}
    assert [line.verb for line in Event.objects.filter(review=review).order_by("seq")][-3:] == [
        "make rule", "change rule", "withdraw rule",
    ]  # fmt: skip
    assert rule(review, judge).number == 2  # may be said anew


def test_the_same_words_for_the_same_field_are_one_rule(review, judge):
    marker = Marker.objects.get(review=review, code="il6")
    rule(review, judge)
    with pytest.raises(DuplicateRow):
        rule(review, judge, text="  use the  itt N ")
    rule(review, judge, marker=marker)
    with pytest.raises(DuplicateRow):
        rule(review, judge, marker=marker)
    assert rule(review, judge, field="centre").number == 3


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"text": " "}, "text"),
        ({"text": "x" * 301}, "text"),
        ({"field": "colour"}, "field"),
        ({"prefers": "the nicer one"}, "prefers"),
        ({"weight": 3}, "weight"),
    ],
)
def test_what_does_not_read_as_a_rule_is_refused_by_field(review, judge, values, field):
    with pytest.raises(InvalidValues) as refusal:
        rule(review, judge, **values)
    assert [problem.field for problem in refusal.value.problems] == [field]
    assert not Rule.objects.exists()


def test_a_marker_of_another_review_is_refused(review, judge):
    with pytest.raises(InvalidValues):
        rule(review, judge, marker=made(MarkerFactory))


def test_who_may_not_write_rules(review, judge):
    kept = rule(review, judge)
    for role in ("extractor", "reader"):
        with pytest.raises(NotAllowed):
            rule(review, member(review, role), text="mine")
    outsider = member(made(ReviewFactory), "lead")
    with pytest.raises(NotFound):
        change_rule(kept.pk, {"text": "mine"}, by=outsider)
    theirs = outsider.memberships.get().review
    taught = differing(theirs, by=member(theirs, "adjudicator"), marker="")
    with pytest.raises(NotFound):  # what taught it must be seen
        make_rule(review.pk, {"text": "x"}, by=judge, origin=taught.pk)


def test_what_was_decided_in_one_review_makes_no_rule_of_another(review, judge):
    other = made(ReviewFactory)
    member(other, "adjudicator", user=judge)
    taught = differing(other, by=judge, marker="")
    with pytest.raises(NotFound):
        make_rule(review.pk, {"text": "Use the ITT n"}, by=judge, origin=taught.pk)
    assert not Rule.objects.exists()
    assert not Event.objects.filter(verb="make rule").exists()


def test_a_rule_is_a_new_version_of_the_codebook_once_somebody_entered_under_the_old_one(review, judge):
    differing(review, by=judge)
    before = review.codebook_version
    rule(review, judge)
    review.refresh_from_db()
    assert review.codebook_version == before + 1


# --- held against the past ----------------------------------------------------------------------------------


def test_where_a_rule_would_have_decided_otherwise_is_listed(review, judge):
    otherwise = differing(review, by=judge, choice="A")
    differing(review, by=judge, choice="B")
    neither = differing(review, by=judge, choice="NR")
    differing(review, by=judge, choice="")  # open: nothing to hold it against
    found = recheck([rule(review, judge)], judge)
    (check,) = found.values()
    assert {(case.discrepancy, case.decision.choice, case.rule_takes) for case in check.otherwise} == {
        (otherwise, "A", "B"), (neither, "NR", "B"),
    }  # fmt: skip
    assert (check.same, check.untold, check.cases) == (1, [], 3)


def test_a_rule_for_one_marker_and_a_rule_in_words(review, judge):
    differing(review, by=judge, marker="il6")
    crp = Marker.objects.get(review=review, code="crp")
    of_crp, words = rule(review, judge, marker=crp), rule(review, judge, prefers="", text="Read the flow chart")
    checks = recheck([of_crp, words], judge)
    assert checks[of_crp.pk].cases == 0
    assert (len(checks[words.pk].untold), checks[words.pk].otherwise) == (1, [])


def test_what_a_person_may_not_see_is_not_told(review, judge):
    found = differing(review, by=judge)
    kept = rule(review, judge)
    blind = holder(found.trial, "A")
    member(review, "lead", user=blind)
    assert recheck([kept], blind)[kept.pk].cases == 0
    assert recheck([kept], member(review, "lead"))[kept.pk].cases == 1


def test_holding_many_rules_against_many_decisions_takes_few_queries(review, judge, django_assert_max_num_queries):
    for _ in range(3):
        differing(review, by=judge)
    rules = [rule(review, judge, text=f"Rule {number}") for number in range(4)]
    with django_assert_max_num_queries(6):
        recheck(rules, judge)


ROW: dict[str, Any] = {"n": 25, "n_status": "reported", "spread_kind": "sd", "centre_kind": "mean", "analysis_set": ""}


def row(**values: Any) -> Any:
    return SimpleNamespace(**{**ROW, **values})


@pytest.mark.parametrize(
    ("prefers", "field", "a", "b", "side"),
    [
        ("larger", "n", row(), row(n=30), "B"),
        ("smaller", "n", row(), row(n=30), "A"),
        ("larger", "n", row(), row(n=None), ""),
        ("larger", "n", row(), row(), ""),
        ("reported", "n", row(n=None, n_status="NR"), row(), "B"),
        ("reported", "n", row(), row(), ""),
        ("reported", "row", row(), None, "A"),
        ("reported", "value", SimpleNamespace(value=""), SimpleNamespace(value="x"), "B"),
        ("itt", "n", row(analysis_set="ITT"), row(analysis_set="completers"), "A"),
        ("itt", "n", row(analysis_set="mITT"), row(analysis_set="Intention-to-treat"), ""),
        ("itt", "n", row(analysis_set="switttch"), row(), ""),
        ("completers", "n", row(analysis_set="ITT"), row(analysis_set="per-protocol"), "B"),
        ("sd", "spread", row(), row(spread_kind="se"), "A"),
        ("mean", "centre", row(centre_kind="median"), row(), "B"),
        ("", "n", row(), row(n=30), ""),
        ("mean", "centre", None, row(), "B"),
    ],
)
def test_what_a_rule_takes(prefers, field, a, b, side):
    assert ruling.side(prefers, field, a, b) == side


# --- the pages ----------------------------------------------------------------------------------------------


def test_a_rule_is_made_from_the_page_of_the_trial_and_read_while_entering(client, review, judge):
    taught = differing(review, by=judge)
    client.force_login(judge)
    page = client.get(reverse("extraction:trial", args=[taught.trial_id])).content.decode()
    address = f"{reverse('extraction:rule-create', args=[review.pk])}?from={taught.pk}"
    assert address in page
    assert "use the ITT n" in client.get(address).content.decode()  # what was written when deciding
    answer = client.post(address, {"text": "Use the ITT n", "prefers": "itt"}, follow=True)
    assert "decided otherwise" in client.get(reverse("extraction:rules", args=[review.pk])).content.decode()
    assert str(taught) in answer.content.decode()
    # an extractor at work reads it, and nothing of where it comes from
    trial = made(TrialFactory, review=review)
    extractor = holder(trial, "A")
    entry = draft(trial, "A")
    client.force_login(extractor)
    pages = {"entry": entry.pk, "codebook": review.pk, "rules": review.pk, "rule": Rule.objects.get().pk}
    for name, key in pages.items():
        page = client.get(reverse(f"extraction:{name}", args=[key])).content.decode()
        assert "Use the ITT n" in page
        assert taught.trial.label not in page
        assert "decided otherwise" not in page


def test_the_forms_say_what_is_wrong_and_keep_what_was_typed(client, review, judge):
    client.force_login(judge)
    address = reverse("extraction:rule-create", args=[review.pk])
    refused = client.post(address, {"text": "", "at": "observation.n"})
    assert refused.status_code == 400
    kept = rule(review, judge)
    doubled = client.post(address, {"text": "use the ITT n", "at": "observation.n"})
    assert doubled.status_code == 400
    assert "has this rule for this field already" in doubled.content.decode()
    assert client.get(f"{address}?from=nonsense").status_code == 200
    assert client.post(reverse("extraction:rule-withdraw", args=[kept.pk])).status_code == 400
    changed = client.post(reverse("extraction:rule-change", args=[kept.pk]), {"text": "Better", "at": "observation.n"})
    assert changed.status_code == 302
    client.post(reverse("extraction:rule-withdraw", args=[Rule.objects.get(current=True).pk]), {"reason": "amended"})
    page = client.get(reverse("extraction:rules", args=[review.pk])).content.decode()
    assert "No longer hold" in page
    assert "Better" in page
