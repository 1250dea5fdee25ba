"""Reviews from a set-up, and set-ups from a review."""

from __future__ import annotations

import copy
import json
from uuid import uuid4

import pytest

from extraction import define, enter
from extraction.enter import Change
from extraction.errors import DuplicateRow, InvalidValues, NotAllowed, NotFound
from extraction.models import (
    CodebookVersion,
    Event,
    Intervention,
    Marker,
    MarkerSynonym,
    Moderator,
    ModeratorLevel,
    OutcomeClass,
    Review,
    Template,
    UnitFactor,
)
from extraction.pairs import unit_table
from extraction.protocols import content as contents
from extraction.protocols.shipped import shipped
from extraction.protocols.start import drop_template, save_template, set_up_of, start_review
from extraction.record import Subject
from extraction.setup import validate
from extraction.units import Exact
from tests.factories import ReviewFactory, TrialFactory, UserFactory, holder, member, small_changes

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    return UserFactory(is_staff=True)


@pytest.fixture
def psychosocial(staff):
    return start_review("Psychosocial", shipped("psychosocial_immune"), by=staff)


def test_the_shipped_template_fills_a_review(psychosocial):
    def count(model, **where):
        return model._base_manager.filter(**where).count()

    assert count(Intervention, review=psychosocial) == 8
    assert count(OutcomeClass, review=psychosocial) == 7
    assert count(Marker, review=psychosocial) == 60
    assert count(UnitFactor, review=psychosocial) == 116
    assert count(Moderator, review=psychosocial) == 9
    assert count(ModeratorLevel, moderator__review=psychosocial) == 22
    assert count(MarkerSynonym, marker__review=psychosocial) > 300
    crp = Marker.objects.get(review=psychosocial, code="crp")
    assert (crp.plausible_low, crp.plausible_high, crp.unit_of_range) == (0.2, 25.0, "mg/L")
    assert (crp.sd_mean_low, crp.sd_mean_high, crp.log_usual, crp.benefit) == (0.5, 2.5, True, -1)
    assert "mg/dL x 10 = mg/L" in crp.definition
    assert MarkerSynonym.objects.get(marker=crp, text="PCR").ambiguous
    assert {rule["code"] for rule in psychosocial.checks["rules"]} >= {"n_small", "se_as_sd"}
    assert "Enter what the report prints" in psychosocial.guidance
    assert psychosocial.question
    assert Event.objects.get(verb="bring in set-up").after["markers"] == 60


def test_units_of_the_template_convert_exactly_by_any_of_their_spellings(psychosocial):
    table = unit_table(psychosocial.pk)
    assert table.factor("picograms per milliliter", "ng/L") == Exact(1)
    assert table.factor("mg/dl", "mg/L") == Exact(10)
    assert table.factor("OD", "index") is None
    assert table.factor("log10 copies/mL", "copies/mL") is None


def test_effect_moderators_are_derived_and_never_typed_in(psychosocial, staff):
    trial = TrialFactory(review=psychosocial)
    entry = enter.start(trial.pk, by=holder(trial, "A"))
    change = Change(Subject.CHARACTERISTIC, uuid4(), values={"moderator": "weeks_since_end", "value": "3"})
    with pytest.raises(InvalidValues, match="moderator"):
        enter.save(entry.pk, [change], by=holder(trial, "A"))


def test_a_set_up_goes_into_a_template_and_out_again_unchanged(psychosocial, staff):
    template = save_template(psychosocial.pk, "Ours", by=staff)
    again = start_review("Second", json.loads(json.dumps(template.content)), by=staff)
    first, second = set_up_of(psychosocial), set_up_of(again)
    assert {**first, "name": ""} == {**second, "name": ""}
    with pytest.raises(InvalidValues, match="of this name already"):
        save_template(psychosocial.pk, "Ours", by=staff)
    with pytest.raises(NotAllowed):
        save_template(psychosocial.pk, "Theirs", by=member(psychosocial, "adjudicator"))
    other = UserFactory(is_staff=True)
    assert Template.objects.visible_to(other).count() == 1
    drop_template(template.pk, by=staff)
    assert not Template.objects.visible_to(staff).exists()
    with pytest.raises(NotFound):
        drop_template(template.pk, by=staff)


def test_a_template_of_the_name_that_another_tab_saves_meanwhile_is_refused(staff, monkeypatch):
    review = start_review("Empty", contents.empty(), by=staff)

    def checked_in_time(template, name):
        validate(template, name)
        Template(name=template.name, content={}, made_by=staff).save()  # of the other tab, from another review

    monkeypatch.setattr("extraction.protocols.start.validate", checked_in_time)
    with pytest.raises(DuplicateRow, match=r"^You have a template of this name already\. Choose another name\.$"):
        save_template(review.pk, "Ours", by=staff)
    assert not Event.objects.filter(verb="save template").exists()


def test_a_review_from_nothing_is_empty(staff):
    review = start_review("Empty", contents.empty(), by=staff, question="Does it work?")
    assert review.question == "Does it work?"
    assert not Marker._base_manager.filter(review=review).exists()


def broken(change):
    found = copy.deepcopy(dict(shipped("psychosocial_immune")))
    change(found)
    return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(format=2), "format"),
        (lambda c: c.update(markers={}), "markers"),
        (lambda c: c.update(question=7), "question"),
        (lambda c: c["markers"].append(dict(c["markers"][0])), "twice"),
        (lambda c: c["markers"][0].pop("code"), "code"),
        (lambda c: c["markers"][0].update(plausible_low="many"), "plausible_low"),
        (lambda c: c["markers"][0].update(plausible_low=99.0), "wrong way round"),
        (lambda c: c["markers"][0].update(outcome_class="nonesuch"), "outcome_class"),
        (lambda c: c["markers"][0].update(synonyms="IL-6"), "synonyms"),
        (lambda c: c["units"][0].update(factor="1/0"), "factor"),
        (lambda c: c["units"][0].update(marker="nonesuch"), "marker"),
        (lambda c: c["moderators"][0].update(kind="guess"), "kind"),
        (lambda c: c["moderators"][4].update(levels=["x"]), "row"),
        (lambda c: c.update(settings={"imputed_r": 2.0}), "correlation"),
        (lambda c: c["interventions"][0].update(name="x" * 999), "name"),
    ],
)
def test_a_broken_set_up_is_refused_by_name_and_makes_nothing(staff, change, said):
    with pytest.raises(InvalidValues) as refusal:
        start_review("Broken", broken(change), by=staff)
    assert said in str(refusal.value.details()) + str(refusal.value)
    assert not Review._base_manager.exists()


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[]", b"{", b'{"format": NaN}', b"[" * 100_000, b"null", b"1"])
def test_what_is_no_template_file_is_refused_in_words(data):
    with pytest.raises(InvalidValues):
        contents.read(data)


def test_a_change_under_somebodys_hands_is_a_new_version_that_keeps_the_old_words():
    review = ReviewFactory()
    lead = member(review, "lead")
    marker = define.put(Marker, review.pk, {"code": "il6", "name": "IL-6"}, by=lead)
    assert not CodebookVersion.objects.exists()
    trial = TrialFactory(review=review)
    entry = enter.start(trial.pk, by=holder(trial, "A"))
    enter.save(entry.pk, small_changes(marker="il6"), by=holder(trial, "A"))
    define.put(Marker, review.pk, {"direction": -1}, by=lead, pk=marker.pk)
    define.put(Marker, review.pk, {"canonical_unit": "pg/mL"}, by=lead, pk=marker.pk)
    version = CodebookVersion.objects.get()
    assert version.number == 2
    assert [change["after"] for change in version.changes] == [{"direction": -1}, {"canonical_unit": "pg/mL"}]
    assert version.previous["markers"][0]["direction"] is None
    review.refresh_from_db()
    assert review.codebook_version == 2
