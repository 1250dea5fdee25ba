"""Pages of leads: a review from a template, people, references, assignments, finding, progress; and one's account."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.authtoken.models import Token

from extraction import define, enter, questions
from extraction.models import Marker, Membership, Review, SavedSearch, Template, Trial
from extraction.states import Status
from tests.factories import (
    PASSWORD,
    MarkerFactory,
    ReviewFactory,
    TrialFactory,
    UserFactory,
    draft,
    holder,
    member,
    submitted,
    trial_at,
)

pytestmark = pytest.mark.django_db
REFERENCES = Path(__file__).parent / "cases" / "references"


def of(user):
    client = Client()
    client.force_login(user)
    return client


def at(name, *args):
    return reverse(f"extraction:{name}", args=args)


@pytest.fixture
def review():
    return ReviewFactory(title="Our review")


@pytest.fixture
def lead(review):
    return member(review, "lead", is_staff=True)


@pytest.fixture
def page(lead):
    return of(lead)


def file(name, data):
    upload = io.BytesIO(data)
    upload.name = name
    return upload


def test_an_empty_installation_leads_to_the_first_review():
    client = of(UserFactory(is_staff=True, is_superuser=True))
    assert at("new-review") in client.get("/").content.decode()
    answer = client.post(at("new-review"), {"title": "First", "start": "shipped:psychosocial_immune"}, follow=True)
    review = Review.objects.get()
    assert answer.redirect_chain[-1][0] == at("setup", review.pk)
    assert ">60</b>" in answer.content.decode()
    assert "No trial yet" in answer.content.decode()
    # the codebook shows definitions, ranges, spellings and rules
    codebook = client.get(at("codebook", review.pk)).content.decode()
    for words in ("pg/mL and ng/L are the same number", "group means 0.3 to 15.0", "picograms per milliliter",
                  "Enter what the report prints", "Not this:", "Remote means no face-to-face contact"):  # fmt: skip
        assert words in codebook


def test_a_review_from_a_kept_template_a_file_or_nothing(review, lead, page):
    MarkerFactory(review=review, code="il6")
    page.post(at("template-save", review.pk), {"name": "Ours"})
    template = Template.objects.get()
    data = page.get(at("template-file", review.pk)).content
    page.post(at("new-review"), {"title": "B", "start": f"kept:{template.pk}"})
    page.post(at("new-review"), {"title": "C", "start": "file", "file": file("t.json", data)})
    page.post(at("new-review"), {"title": "D", "start": "nothing"})
    counts = {one.title: Marker.objects.filter(review=one).count() for one in Review.objects.all()}
    assert counts == {"Our review": 1, "B": 1, "C": 1, "D": 0}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"title": "", "start": "nothing"}, "required"),
        ({"title": "X", "start": "file"}, "Choose the file"),
        ({"title": "X", "start": "kept:99"}, "valid choice"),
        ({"title": "X", "start": "file", "file": b"{"}, "not JSON"),
        ({"title": "X", "start": "file", "file": json.dumps({"format": 1, "markers": [{}]}).encode()}, "code"),
    ],
)
def test_what_cannot_be_set_up_is_told_in_words_and_makes_nothing(said, told):
    said = {name: file("t.json", value) if isinstance(value, bytes) else value for name, value in said.items()}
    answer = of(UserFactory(is_staff=True)).post(at("new-review"), said)
    assert answer.status_code == 400
    assert told in answer.content.decode()
    assert not Review.objects.exists()


def test_people_without_the_right_set_nothing_up(review):
    for role in ("extractor", "adjudicator", "reader"):
        client = of(member(review, role))
        for name in ("setup", "people", "references", "dashboard", "template-file"):
            assert client.get(at(name, review.pk)).status_code == 404
        assert client.get(at("new-review")).status_code == 403


def test_settings_are_saved_and_refused_in_words(review, page):
    said = {
        "title": "New title",
        "question": "?",
        "imputed_r": "0.7",
        "guidance": "## Arms\n1. All arms.",
        "source_required": "on",
    }
    page.post(at("settings", review.pk), said)
    review.refresh_from_db()
    assert (review.title, review.imputed_r, review.source_required) == ("New title", 0.7, True)
    assert not review.partner_shown_after_approval  # the box was not ticked
    answer = page.post(at("settings", review.pk), {**said, "imputed_r": "2"})
    assert answer.status_code == 400
    assert "between -1 and 1" in answer.content.decode()


def test_invite_join_and_find_oneself_at_work(review, page):
    answer = page.post(at("invitation-make", review.pk), {"roles": ["extractor"], "note": "Mira"})
    link = re.search(r'value="http://testserver(/join/[^"]+)"', answer.content.decode())[1]
    visitor = Client()
    assert "Our review" in visitor.get(link).content.decode()
    said = {"full_name": "Mira", "username": "mira", "password": PASSWORD, "again": PASSWORD}
    assert "not the same" in visitor.post(link, {**said, "again": "x"}).content.decode()
    joined = visitor.post(link, said, follow=True)
    assert joined.redirect_chain[-1][0] == at("work")
    assert "Nothing assigned yet" in joined.content.decode()
    assert visitor.get(link).status_code == 404
    assert "Mira joined" in page.get(at("people", review.pk)).content.decode()


def test_roles_change_and_memberships_end(review, lead, page):
    person = member(review, "extractor")
    membership = Membership.objects.get(user=person)
    page.post(at("member-change", membership.pk), {"act": "change", "roles": ["reader", "adjudicator"]})
    assert set(Membership.objects.get(user=person).roles) == {"reader", "adjudicator"}
    page.post(at("member-change", membership.pk), {"act": "remove"})
    assert not Membership.objects.filter(user=person).exists()
    page.post(at("member-add", review.pk), {"username": person.username, "roles": ["extractor"]})
    assert Membership.objects.get(user=person).roles == ["extractor"]
    assert page.post(at("member-add", review.pk), {"username": "nobody", "roles": ["lead"]}).status_code == 400


def test_references_come_in_once_with_what_was_chosen(review, page):
    data = (REFERENCES / "zotero.ris").read_bytes()
    shown = page.post(at("references", review.pk), {"file": file("a.ris", data)})
    assert "2 references: 2 new" in shown.content.decode()
    said = re.search(r'name="said" value="([^"]+)"', shown.content.decode())[1]
    page.post(at("references-apply", review.pk), {"said": said, "act-0": "new", "act-1": "leave"})
    trial = Trial.objects.get()
    assert (trial.label, trial.year, trial.doi) == ("Irwin 2015", 2015, "10.1016/j.biopsych.2015.01.010")
    # the same publication from PubMed completes the trial and overwrites nothing
    shown = page.post(at("references", review.pk), {"file": file("b.nbib", (REFERENCES / "pubmed.nbib").read_bytes())})
    assert "same DOI" in shown.content.decode()
    said = re.search(r'name="said" value="([^"]+)"', shown.content.decode())[1]
    citation = trial.citation
    page.post(at("references-apply", review.pk), {"said": said, "act-0": f"merge:{trial.pk}", "of-1": "irwin 2015"})
    trial.refresh_from_db()
    assert (trial.pmid, trial.registry_id) == ("25748580", "NCT00280020")
    first, second = trial.citation.splitlines()
    assert first == citation
    assert second.startswith("Also reported in: Antoni, Michael H")
    # and is known from then on
    shown = page.post(at("references", review.pk), {"file": file("b.nbib", (REFERENCES / "pubmed.nbib").read_bytes())})
    assert "2 references: 0 new, 2 that the review seems to have" in shown.content.decode()
    assert Trial.objects.count() == 1


@pytest.mark.parametrize("name", ["cut_off.ris", "no_title.ris", "no_year.ris", "latin1.ris", "stray_lines.nbib"])
def test_broken_references_are_shown_with_what_is_wrong(review, page, name):
    shown = page.post(at("references", review.pk), {"file": file(name, (REFERENCES / name).read_bytes())})
    assert shown.status_code == 200
    assert "To look at in the file" in shown.content.decode()


def test_wrong_decisions_and_old_previews_bring_nothing_in(review, page):
    answer = page.post(at("references", review.pk), {"file": file("x.ris", b"nothing")})
    assert answer.status_code == 400
    assert page.post(at("references-apply", review.pk), {"said": "forged"}).status_code == 302
    shown = page.post(at("references", review.pk), {"file": file("a.ris", (REFERENCES / "zotero.ris").read_bytes())})
    said = re.search(r'name="said" value="([^"]+)"', shown.content.decode())[1]
    for wrong in ({"act-0": "merge:1"}, {"act-0": "new", "of-1": "Nobody 1999"}, {"act-0": "report:x"}):
        answer = page.post(at("references-apply", review.pk), {"said": said, **wrong})
        assert answer.status_code == 400
        assert "Nothing was brought in" in answer.content.decode()
    assert not Trial.objects.exists()


def test_slots_are_shared_handed_over_and_trials_excluded(review, page):
    people = [member(review, "extractor") for _ in range(3)]
    trial = TrialFactory(review=review, slots=False)
    page.post(at("assign-evenly", review.pk), {"people": [one.pk for one in people]})
    free = next(one for one in people if not trial.assignments.filter(user=one).exists())
    page.post(at("hand-over", trial.pk), {"slot": "A", "user": free.pk, "reason": "left"})
    assert holder(trial, "A") == free
    page.post(at("exclude", trial.pk), {"reason": "not randomised"})
    trial.refresh_from_db()
    assert trial.exclusion_reason == "not randomised"
    assert "not randomised" in page.get(at("trial", trial.pk)).content.decode()
    page.post(at("include", trial.pk))
    trial.refresh_from_db()
    assert trial.excluded_at is None


def labels(answer):
    return re.findall(r'class="title" href="[^"]+">([^<]+)</a>', answer.content.decode())


def test_trials_are_found_by_what_one_may_see_and_searches_are_kept(review, lead, page):
    il6 = MarkerFactory(review=review, code="il6")
    approved = trial_at(Status.APPROVED, review, marker="il6", label="Done 2001", decider=lead)
    entering = TrialFactory(review=review, label="Open 2002", year=2002)
    enter_hidden = draft(entering, "A", marker="il6")
    where = at("review", review.pk)
    assert labels(page.get(where, {"marker": il6.code})) == ["Done 2001"]  # a draft is nobody's to find
    assert enter_hidden.holder == holder(entering, "A")
    assert labels(page.get(where, {"year": "2002"})) == ["Open 2002"]
    assert labels(page.get(where, {"extractor": holder(approved, "A").pk})) == ["Done 2001"]
    assert labels(page.get(where, {"state": "approved", "q": "done"})) == ["Done 2001"]
    for odd in ("x", "99999999999999999999", "'", "\u0130"):
        assert (
            page.get(where, dict.fromkeys(("marker", "year", "extractor", "class", "state", "page"), odd)).status_code
            == 200
        )
    page.post(at("search-save", review.pk), {"name": "Mine", "query": "q=done&state=approved&page=3&evil=1"})
    kept = SavedSearch.objects.get()
    assert kept.query == "state=approved&q=done"
    assert "Mine" in page.get(where).content.decode()
    assert "Mine" not in of(member(review, "lead")).get(where).content.decode()
    page.post(at("search-drop", kept.pk))
    assert not SavedSearch.objects.exists()


def test_trials_are_found_by_their_open_questions(review, lead, page):
    asking, quiet = (TrialFactory(review=review, label=label) for label in ("Asking 2001", "Quiet 2002"))
    entry = draft(asking, "A")
    draft(quiet, "A")
    where = at("review", review.pk)
    assert "questions" not in page.get(where).content.decode()  # nothing to choose yet
    asked = questions.ask_leads(entry.pk, "Which table?", by=entry.holder)
    for which in ("open", "mine"):
        assert labels(page.get(where, {"questions": which})) == ["Asking 2001"]
    assert labels(of(member(review, "reader")).get(where, {"questions": "open"})) == []  # not theirs to know
    assert labels(of(member(review, "adjudicator")).get(where, {"questions": "mine"})) == []
    questions.answer(asked.pk, "Table 2", by=lead)
    assert labels(page.get(where, {"questions": "open"})) == []


def test_the_dashboard_tells_states_people_pace_and_what_waits_and_no_value(review, lead, page):
    trial_at(Status.ADJUDICATING, review, decider=lead)
    waiting = TrialFactory(review=review)
    submitted(waiting, "A", cells={"treated": {"centre": "77.7"}})
    shown = page.get(at("dashboard", review.pk)).content.decode()
    told = " ".join(re.sub(r"<[^>]+>", " ", shown).split())
    assert "1 entries differ" in told
    assert "1 difference to decide an adjudicator" in told
    assert "1 trial to start or finish (1 to start)" in told
    assert str(holder(waiting, "A")) in shown
    assert "77.7" not in shown
    assert "3 entries in 8 weeks" in shown


def test_pages_need_as_many_queries_for_many_rows_as_for_few(review, lead, page, django_assert_max_num_queries):
    for _ in range(6):
        submitted(TrialFactory(review=review), "A")
    for name in ("dashboard", "review", "setup", "people"):
        with django_assert_max_num_queries(36):
            page.get(at(name, review.pk))


def test_a_change_of_the_codebook_lists_the_entries_it_touches(review, lead):
    marker = MarkerFactory(review=review, code="il6")
    trial = TrialFactory(review=review, label="Touched 2001")
    entry = draft(trial, "A", marker="il6")
    define.put(Marker, review.pk, {"canonical_unit": "ng/L"}, by=lead, pk=marker.pk)
    mine = of(entry.holder)
    assert "Touched 2001" in mine.get(at("codebook", review.pk)).content.decode()
    assert "touches 1 of your entries" in mine.get(at("work")).content.decode()
    for other in (holder(trial, "B"), lead):  # blind: it would tell that A uses this marker
        assert "Touched 2001" not in of(other).get(at("codebook", review.pk)).content.decode()
    enter.submit(entry.pk, by=entry.holder)


def test_ones_account_is_ones_own(lead, client):
    client.force_login(lead)
    said = {"first_name": "Hanne", "last_name": "Vik", "email": "h@example.org", "time_zone": "Pacific/Auckland"}
    client.post(reverse("account"), said)
    lead.refresh_from_db()
    assert (str(lead), lead.time_zone) == ("Hanne Vik", "Pacific/Auckland")
    assert client.post(reverse("account"), {**said, "time_zone": "Mars/Base"}).status_code == 400
    shown = client.post(reverse("token-make")).content.decode()
    key = Token.objects.get(user=lead).key
    assert key in shown
    assert key not in client.get(reverse("account")).content.decode()
    program = Client(headers={"Authorization": f"Token {key}"})
    assert program.get("/api/reviews/").status_code == 200
    client.post(reverse("token-revoke"))
    assert program.get("/api/reviews/").status_code == 401


def test_a_new_password_ends_the_token(lead, client):
    client.force_login(lead)
    client.post(reverse("token-make"))
    new = "another long password"
    client.post(reverse("password-change"), {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    lead.refresh_from_db()
    assert lead.check_password(new)
    assert not Token.objects.exists()


def test_times_are_shown_in_ones_own_zone(review, client):
    person = member(review, "extractor", time_zone="Pacific/Kiritimati")
    trial = TrialFactory(review=review, slots={"A": person, "B": member(review, "extractor")})
    entry = draft(trial, "A")
    client.force_login(person)
    from zoneinfo import ZoneInfo

    shown = client.get(at("work")).content.decode()
    assert f"{entry.saved_at.astimezone(ZoneInfo('Pacific/Kiritimati')):%H:%M} today" in shown
