"""Reading through the API: what one may see, in pages, with filters that refuse what they do not know."""

from __future__ import annotations

from uuid import uuid4

import pytest
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from extraction import define
from extraction.models import Discrepancy, Entry, Marker, MarkerSynonym, Moderator, ModeratorLevel
from extraction.states import Status
from tests.factories import (
    InterventionFactory,
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

LISTS = ("reviews", "trials", "entries", "matches", "discrepancies")


def api(user) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


@pytest.fixture
def review():
    return ReviewFactory()


@pytest.fixture
def adjudicator(review):
    return member(review, "adjudicator")


@pytest.fixture
def client(adjudicator):
    return api(adjudicator)


@pytest.mark.parametrize("name", LISTS)
def test_nobody_signed_in_is_401_with_a_code(name):
    response = APIClient().get(f"/api/{name}/")
    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"


def test_a_token_reads_what_its_person_may_see(review, adjudicator):
    trial = trial_at(Status.ADJUDICATING, review)
    token = Token.objects.create(user=adjudicator)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
    assert [row["id"] for row in client.get("/api/trials/").json()["results"]] == [trial.pk]
    client.credentials(HTTP_AUTHORIZATION="Token nonsense")
    assert client.get("/api/trials/").status_code == 401


def test_a_review_tells_the_roles_one_has_in_it(review, client):
    ReviewFactory()
    (row,) = client.get("/api/reviews/").json()["results"]
    assert (row["id"], row["my_roles"]) == (review.pk, ["adjudicator"])


def test_the_codebook_gives_the_codes_that_entries_use(review, client):
    lead = member(review, "lead")
    InterventionFactory(review=review, code="yoga")
    marker = MarkerFactory(review=review, code="crp")
    MarkerFactory(code="of another review")
    define.put(MarkerSynonym, review.pk, {"marker": marker, "text": "hs-CRP"}, by=lead)
    kind = {"code": "population", "name": "Population", "kind": "level", "applies_to": "trial"}
    population = define.put(Moderator, review.pk, kind, by=lead)
    define.put(ModeratorLevel, review.pk, {"moderator": population, "code": "t2d", "name": "T2D"}, by=lead)
    book = client.get(f"/api/reviews/{review.pk}/codebook/").json()
    assert [row["code"] for row in book["interventions"]] == ["yoga"]
    assert [(row["code"], row["synonyms"]) for row in book["markers"]] == [("crp", ["hs-CRP"])]
    assert [(row["code"], [level["code"] for level in row["levels"]]) for row in book["moderators"]] == [
        ("population", ["t2d"])
    ]


def test_an_entry_gives_every_number_as_printed_and_as_read(review, client):
    trial = TrialFactory(review=review)
    cells = {"treated": {"centre": "<0.50", "n": "24", "spread_kind": "ci", "spread": "", "spread_low": "0.1"}}
    cells["treated"] |= {"spread_high": "0.90", "spread_level": "95"}
    entry = submitted(trial, "A", cells=cells)
    submitted(trial, "B")
    whole = client.get(f"/api/entries/{entry.pk}/").json()
    assert {arm["label"] for arm in whole["arms"]} == {"Training", "Waiting list"}
    arm = next(arm for arm in whole["arms"] if arm["label"] == "Training")
    cell = next(cell for cell in whole["observations"] if cell["arm"] == arm["id"])
    assert arm["n_randomised"] == {"status": "reported", "printed": "25", "value": 25.0, "qualifier": "="}
    assert cell["centre"] == {"status": "reported", "printed": "<0.50", "value": 0.5, "qualifier": "<"}
    assert cell["spread_high"] == {"printed": "0.90", "value": 0.9}
    assert (cell["spread_level"], cell["version"]) == (95.0, 1)
    assert whole["holder"] == entry.holder.username


def test_while_entering_an_extractor_reads_the_own_entry_only(review):
    trial = TrialFactory(review=review)
    mine, theirs = draft(trial, "A"), draft(trial, "B")
    client = api(holder(trial, "A"))
    assert [row["id"] for row in client.get("/api/entries/").json()["results"]] == [str(mine.pk)]
    unused = uuid4()
    answers = [client.get(f"/api/entries/{key}/") for key in (theirs.pk, unused)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    own_rows = client.get(f"/api/entries/{mine.pk}/arms/").json()["results"]
    assert len(own_rows) == 2
    answers = [client.get(f"/api/entries/{key}/arms/") for key in (theirs.pk, unused)]
    assert answers[0].content == answers[1].content
    assert answers[0].status_code == 404


def test_a_row_is_found_under_its_own_entry_only(review, client):
    trial = trial_at(Status.ADJUDICATING, review)
    a, b = trial.entries.get(slot="A"), trial.entries.get(slot="B")
    row = a.arms.first()
    assert client.get(f"/api/entries/{a.pk}/arms/{row.pk}/").status_code == 200
    assert client.get(f"/api/entries/{b.pk}/arms/{row.pk}/").status_code == 404


def test_discrepancies_come_with_their_decisions(review, client, adjudicator):
    trial = trial_at(Status.ADJUDICATING, review)
    row = Discrepancy.objects.get(trial=trial)
    body = {"choice": "A", "reason_code": "typo", "version": 1}
    client.post(f"/api/discrepancies/{row.pk}/resolve/", body)
    found = client.get(f"/api/discrepancies/{row.pk}/").json()
    assert (found["state"], found["version"], found["verdict"]) == ("decided", 2, "different")
    assert [(made["choice"], made["decided_by"]) for made in found["resolutions"]] == [("A", adjudicator.username)]


def test_filters_narrow_and_order(review, client):
    first, second = trial_at(Status.ADJUDICATING, review), trial_at(Status.AGREED, review)

    def ids(path):
        return [row["id"] for row in client.get(path).json()["results"]]

    assert ids("/api/trials/?status=agreed") == [second.pk]
    assert ids("/api/trials/?ordering=-label") == [second.pk, first.pk]
    assert ids(f"/api/trials/?label={first.label.lower()}") == [first.pk]
    assert ids("/api/trials/?excluded=true") == []
    assert ids("/api/trials/?excluded=false") == [first.pk, second.pk]
    assert len(ids(f"/api/entries/?trial={first.pk}&slot=A")) == 1
    assert len(ids("/api/discrepancies/?state=open&superseded=false")) == 1
    assert ids("/api/matches/?state=proposed") == []


@pytest.mark.parametrize(
    "question",
    [
        "trials/?statsu=agreed",
        "trials/?status=nearly",
        "trials/?ordering=review__title",
        "trials/?excluded=perhaps",
        "trials/?review=abc",
        "trials/?review=99999999999999999999999999",
        "trials/?entries__slot=B",
        "trials/?page=0",
        "trials/?page=one",
        "trials/?page_size=0",
        "trials/?page_size=201",
        "trials/?page_size=1e2",
        "entries/?arms__label=x",
        "entries/?ordering=holder",
        "entries/?trial=-1",
        "entries/?search=x",
        "discrepancies/?a_says__gt=1",
        "discrepancies/?ordering=a_says",
        "discrepancies/?superseded=1",
        "matches/?rows__label=x",
        "reviews/?memberships__user=1",
    ],
)
def test_a_question_that_does_not_exist_is_400_or_404_with_a_code(client, question):
    response = client.get(f"/api/{question}")
    assert response.status_code in {400, 404}
    assert set(response.json()) <= {"code", "detail", "fields"}
    assert response.json()["code"] in {"invalid_values", "not_found"}


def test_filtering_by_what_one_may_not_see_answers_like_by_what_does_not_exist(client):
    foreign = trial_at(Status.ADJUDICATING)
    for name in ("entries", "discrepancies", "matches"):
        answers = [client.get(f"/api/{name}/?trial={key}") for key in (foreign.pk, 10**6)]
        assert [answer.status_code for answer in answers] == [400, 400]
        assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    "path",
    [
        "trials/abc/",
        "trials/99999999999999999999999999/",
        "trials/-1/",
        "entries/abc/",
        "entries/00000000-0000-0000-0000-000000000000/",
        "entries/%00/",
        "entries/00000000-0000-0000-0000-000000000000/arms/abc/",
        "discrepancies/1/",
        "reviews/0/codebook/",
        "nonsense/",
    ],
)
def test_a_key_that_cannot_be_is_404(client, path):
    assert client.get(f"/api/{path}").status_code in {400, 404}


def test_pages_are_bounded(review, client):
    for _ in range(3):
        trial_at(Status.AGREED, review)
    page = client.get("/api/trials/?page_size=2").json()
    assert (page["count"], len(page["results"])) == (3, 2)
    assert page["next"].endswith("page=2&page_size=2")


@pytest.mark.parametrize("header", ["HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"])
def test_no_validator_is_derived_from_shared_rows(review, client, header):
    trial_at(Status.AGREED, review)
    for name in LISTS:
        response = client.get(f"/api/{name}/", **{header: "*"})
        assert response.status_code == 200
        assert "ETag" not in response.headers
        assert "Last-Modified" not in response.headers
        assert "no-store" in response["Cache-Control"]


def test_a_superuser_without_membership_reads_nothing(review):
    trial_at(Status.APPROVED, review)
    client = api(UserFactory(is_superuser=True, is_staff=True))
    for name in LISTS:
        assert client.get(f"/api/{name}/").json()["results"] == [], name


def test_readers_read_final_entries_only_once_they_are_approved(review):
    client = api(member(review, "reader"))
    agreed = trial_at(Status.AGREED, review)
    assert client.get("/api/entries/").json()["results"] == []
    assert client.get("/api/trials/").json()["results"] == []
    trial = trial_at(Status.APPROVED, review)
    assert [row["slot"] for row in client.get("/api/entries/").json()["results"]] == ["FINAL"]
    assert [row["id"] for row in client.get("/api/trials/").json()["results"]] == [trial.pk]
    assert client.get(f"/api/trials/{agreed.pk}/").status_code == 404
    assert Entry.objects.count() == 6


@pytest.mark.parametrize("name", LISTS)
def test_a_list_needs_as_many_queries_for_many_rows_as_for_few(review, name, django_assert_max_num_queries):
    decider = member(review, "lead", "adjudicator")
    client = api(decider)

    def more(number):
        for _ in range(number):
            ReviewFactory()
            member(ReviewFactory(), "lead", user=decider)
            for status in (Status.ADJUDICATING, Status.ALIGNING):
                trial_at(status, review, decider=decider)

    more(1)
    with django_assert_max_num_queries(20) as few:
        client.get(f"/api/{name}/")
    more(3)
    with django_assert_max_num_queries(len(few)):
        client.get(f"/api/{name}/")


def test_a_whole_entry_needs_as_many_queries_for_many_rows_as_for_few(review, client, django_assert_max_num_queries):
    small = trial_at(Status.ADJUDICATING, review).entries.first()
    with django_assert_max_num_queries(20) as few:
        client.get(f"/api/entries/{small.pk}/")
    large = TrialFactory(review=review)
    entry = submitted(large, "A", marker=MarkerFactory(review=review).code)
    submitted(large, "B")
    assert Marker.objects.exists()
    with django_assert_max_num_queries(len(few)):
        assert client.get(f"/api/entries/{entry.pk}/").status_code == 200
