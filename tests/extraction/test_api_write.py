"""Writing through the API: one's own draft, and acts that are verbs."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from extraction import enter
from extraction.models import Approval, Arm, Discrepancy, Entry, Event, Match, Observation, Resolution
from extraction.states import Status
from tests.factories import ReviewFactory, TrialFactory, draft, holder, member, submitted, trial_at

pytestmark = pytest.mark.django_db


def api(user) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


@pytest.fixture
def trial():
    return TrialFactory()


@pytest.fixture
def entry(trial):
    return draft(trial, "A")


@pytest.fixture
def client(trial):
    return api(holder(trial, "A"))


def cell(entry, arm="Training"):
    return Observation.objects.get(entry=entry, arm__label=arm)


# --- Rows --------------------------------------------------------------------------------------------------------


def test_starting_gives_the_own_draft_every_time(client, trial):
    answers = [client.post(f"/api/trials/{trial.pk}/start/") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert Entry.objects.get().holder == holder(trial, "A")


def test_a_row_of_each_kind_is_made_changed_and_taken_out(client, entry):
    base = f"/api/entries/{entry.pk}"
    arm = client.post(f"{base}/arms/", {"label": "Yoga", "n_randomised": "NR"})
    assert arm.status_code == 201
    assert arm.json()["n_randomised"] == {"status": "NR", "printed": "", "value": None, "qualifier": "="}
    time = client.post(f"{base}/timepoints/", {"phase": "baseline", "weeks": "0"}).json()
    outcome = client.post(f"{base}/outcomes/", {"name": "CRP", "unit": "mg/L"}).json()
    place = {"arm": arm.json()["id"], "timepoint": time["id"], "outcome": outcome["id"]}
    made = client.post(f"{base}/observations/", {**place, "centre_kind": "mean", "centre": "1.20"})
    assert made.json()["centre"]["printed"] == "1.20"
    where = f"{base}/observations/{made.json()['id']}/"
    changed = client.patch(where, {"version": 1, "centre": "1.30"})
    assert (changed.status_code, changed.json()["centre"]["value"], changed.json()["version"]) == (200, 1.3, 2)
    assert client.delete(f"{where}?version=2").status_code == 204
    assert not Observation.objects.filter(pk=made.json()["id"]).exists()
    assert Event.objects.filter(entry=entry, actor=entry.holder, verb="save").count() == 7


def test_a_contrast_is_made_changed_and_taken_out(client, entry):
    base = f"/api/entries/{entry.pk}"
    arms = {arm["label"]: arm["id"] for arm in client.get(f"{base}/arms/").json()["results"]}
    whole = client.get(f"{base}/").json()
    place = {"timepoint": whole["timepoints"][0]["id"], "outcome": whole["outcomes"][0]["id"], "statistic": "p"}
    place |= {"arm": arms["Training"], "versus": arms["Waiting list"]}
    made = client.post(f"{base}/contrasts/", {**place, "value": "<0.050"})
    assert made.status_code == 201
    assert made.json()["value"] == {"status": "reported", "printed": "<0.050", "value": 0.05, "qualifier": "<"}
    where = f"{base}/contrasts/{made.json()['id']}/"
    changed = client.patch(where, {"version": 1, "value": "0.04", "df": "47"})
    assert (changed.json()["value"]["value"], changed.json()["df"]) == (0.04, {"printed": "47", "value": 47.0})
    assert client.patch(where, {"version": 1, "value": "0.05"}).status_code == 409
    assert client.patch(where, {"version": 2, "value": "5"}).status_code == 400
    turned = {**place, "arm": arms["Waiting list"], "versus": arms["Training"], "value": "0.04"}
    assert client.post(f"{base}/contrasts/", turned).status_code == 409
    assert [one["id"] for one in client.get(f"{base}/").json()["contrasts"]] == [made.json()["id"]]
    assert client.delete(f"{where}?version=2").status_code == 204
    assert client.get(f"{base}/contrasts/").json()["results"] == []


def test_a_number_must_come_as_text(client, entry):
    row = cell(entry)
    response = client.patch(f"/api/entries/{entry.pk}/observations/{row.pk}/", {"version": 1, "centre": 1.20})
    assert response.status_code == 400
    assert "1.20" in response.json()["fields"]["centre"][0]


@pytest.mark.parametrize("text", ["1_000", "NaN", "inf", "true", "１２", "1,5 or so", "0x10", "1e999"])
def test_what_the_strict_grammar_refuses_is_told_by_field(client, entry, text):
    row = cell(entry)
    response = client.patch(f"/api/entries/{entry.pk}/observations/{row.pk}/", {"version": 1, "n": text})
    assert response.status_code == 400
    body = response.json()
    assert body["code"] == "invalid_values"
    assert [(one["row"], one["field"]) for one in body["problems"]] == [(str(row.pk), "n")]
    assert cell(entry).n_printed == "24"


@pytest.mark.parametrize(
    "body",
    [
        {"label": "Yoga", "id": str(uuid4())},
        {"label": "Yoga", "entry": str(uuid4())},
        {"label": "Yoga", "position": 0},
        {"label": "Yoga", "n_randomised_status": "reported"},
        {"label": "Yoga", "holder": 1},
        {"label": "Yoga", "lable": "x"},
        {"label": "Yoga", "version": 1},
        {},
        [],
        "arm",
        None,
        {"label": None},
        {"label": ["Yoga"]},
        {"label": {"a": 1}},
        {"label": True},
        {"label": "x" * 20_000},
        {"label": "nul \x00"},
        {"label": "right to left \u202e"},
        {"label": "lone surrogate \ud800"},
    ],
)
def test_what_is_not_a_row_is_400_and_writes_nothing(client, entry, body):
    response = client.post(f"/api/entries/{entry.pk}/arms/", data=json.dumps(body), content_type="application/json")
    assert response.status_code == 400
    assert response.json()["code"] in {"invalid_values", "parse_error"}
    assert entry.arms.count() == 2


def test_a_stale_version_is_409_and_one_that_is_missing_400(client, entry):
    where = f"/api/entries/{entry.pk}/observations/{cell(entry).pk}/"
    assert client.patch(where, {"version": 1, "n": "23"}).status_code == 200
    stale = client.patch(where, {"version": 1, "n": "22"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert client.delete(f"{where}?version=1").json()["code"] == "stale_version"
    assert client.patch(where, {"n": "22"}).status_code == 400
    for query in ("", "?version=x", "?version=true", "?version=2&version=3x", "?versoin=2"):
        assert client.delete(where + query).status_code == 400, query
    assert cell(entry).n_printed == "23"


def test_a_batch_is_all_or_none_and_its_rows_may_refer_to_each_other(client, trial):
    entry = enter.start(trial.pk, by=holder(trial, "A"))
    arm, time, outcome = (str(uuid4()) for _ in range(3))
    place = {"arm": arm, "timepoint": time, "outcome": outcome}
    changes = [
        {"subject": "observation", "values": {**place, "n": "12"}},
        {"subject": "arm", "id": arm, "values": {"label": "Yoga"}},
        {"subject": "timepoint", "id": time, "values": {"phase": "post"}},
        {"subject": "outcome", "id": outcome, "values": {"name": "CRP"}},
    ]
    where = f"/api/entries/{entry.pk}/save/"
    wrong = [*changes, {"subject": "arm", "values": {"label": ""}}]
    assert client.post(where, {"changes": wrong}).status_code == 400
    assert not entry.arms.exists()
    whole = client.post(where, {"changes": changes}).json()
    assert [(row["arm"], row["n"]["value"]) for row in whole["observations"]] == [(arm, 12.0)]
    assert whole["version"] == entry.version + 1


@pytest.mark.parametrize(
    "changes",
    [
        [],
        None,
        {},
        [{"subject": "entry"}],
        [{"subject": "arm", "id": "x"}],
        [{"subject": "arm", "version": 1}],
        [{"subject": "arm", "values": {"label": 1}}],
        [{"subject": "arm", "values": {"lable": "x"}}],
        [{"subject": "arm", "values": "label"}],
        [{"subject": "arm", "values": {"label": "x"}, "holder": 1}],
        [{"subject": "arm", "values": {"label": "x"}}] * 2_001,
    ],
)
def test_a_batch_that_cannot_be_read_is_400(client, entry, changes):
    response = client.post(f"/api/entries/{entry.pk}/save/", {"changes": changes})
    assert response.status_code == 400
    assert entry.arms.count() == 2


def test_another_person_s_draft_is_404_to_read_and_to_write(client, trial, entry):
    theirs = draft(trial, "B")
    row, unused = theirs.arms.first(), uuid4()
    for key in (theirs.pk, unused):
        base = f"/api/entries/{key}"
        for answer in (
            client.post(f"{base}/arms/", {"label": "x"}),
            client.patch(f"{base}/arms/{row.pk}/", {"version": 1, "label": "x"}),
            client.delete(f"{base}/arms/{row.pk}/?version=1"),
            client.post(f"{base}/save/", {"changes": [{"subject": "arm", "values": {"label": "x"}}]}),
            client.post(f"{base}/submit/", {"version": 1}),
            client.post(f"{base}/undo-submit/"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    own = f"/api/entries/{entry.pk}/arms"
    answers = [client.patch(f"{own}/{key}/", {"version": 1, "label": "x"}) for key in (row.pk, unused)]
    assert answers[0].content == answers[1].content
    assert Arm.objects.get(pk=row.pk).label == row.label


def test_a_row_refers_to_rows_of_its_own_entry_only(client, trial, entry):
    theirs = draft(trial, "B")
    row = cell(entry)
    where = f"/api/entries/{entry.pk}/observations/{row.pk}/"
    answers = [
        client.patch(where, {"version": 1, "arm": str(key)}) for key in (theirs.arms.first().pk, uuid4(), "nonsense")
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert {answer.json()["problems"][0]["message"] for answer in answers} == {"names no arm of this entry."}


# --- Acts --------------------------------------------------------------------------------------------------------


def test_submitting_needs_the_version_that_was_read(client, entry):
    where = f"/api/entries/{entry.pk}/submit/"
    assert client.post(where).status_code == 400
    assert client.post(where, {"version": entry.version + 1}).json()["code"] == "stale_version"
    assert client.post(where, {"version": entry.version}).json()["state"] == "submitted"
    refused = client.post(f"/api/entries/{entry.pk}/arms/", {"label": "late"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_a_draft")
    assert client.post(f"/api/entries/{entry.pk}/undo-submit/").json()["state"] == "draft"


def test_an_empty_draft_is_not_submitted(client, trial):
    entry = enter.start(trial.pk, by=holder(trial, "A"))
    response = client.post(f"/api/entries/{entry.pk}/submit/", {"version": 1})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_values")


def test_the_way_from_two_entries_to_an_approval():
    review = ReviewFactory()
    trial = trial_at(Status.ALIGNING, review)
    decider = member(review, "adjudicator")
    client = api(decider)
    match = Match.objects.get(trial=trial, state="proposed")
    assert client.post(f"/api/matches/{match.pk}/confirm/").json()["state"] == "confirmed"
    open_ones = client.get("/api/discrepancies/?state=open").json()["results"]
    for row in open_ones:
        body = {"choice": "A", "reason_code": "judgement", "version": row["version"]}
        assert client.post(f"/api/discrepancies/{row['id']}/resolve/", body).json()["state"] == "decided"
    assert client.post(f"/api/trials/{trial.pk}/approve/").json()["status"] == "approved"
    assert Approval.objects.get().approved_by == decider
    again = client.post(f"/api/trials/{trial.pk}/approve/")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")
    assert client.post(f"/api/trials/{trial.pk}/reopen/", {"reason": "Erratum."}).json()["under_revision"] is True
    assert client.post(f"/api/trials/{trial.pk}/conclude/").json()["status"] == "agreed"
    returned = client.post(f"/api/trials/{trial.pk}/return/", {"slots": ["A"], "reason": "Table 2."})
    assert returned.json()["status"] == "entering"


def test_rows_are_paired_by_hand():
    review = ReviewFactory()
    trial = trial_at(Status.ALIGNING, review)
    client = api(member(review, "adjudicator"))
    sides = {side: str(trial.entries.get(slot=side).outcomes.get().pk) for side in ("A", "B")}
    where = f"/api/trials/{trial.pk}/pair/"
    only_a = client.post(where, {"subject": "outcome", "a": [sides["A"]], "b": []})
    assert [row["side"] for row in only_a.json()["rows"]] == ["A"]
    assert client.post(where, {"subject": "outcome", "a": [], "b": []}).status_code == 404
    assert client.post(where, {"subject": "observation", "a": [], "b": []}).status_code == 400
    assert client.post(where, {"subject": "outcome", "a": [str(uuid4())], "b": []}).status_code == 404
    both = client.post(where, {"subject": "outcome", "a": [sides["A"]], "b": [sides["B"]]})
    assert both.json()["state"] == "confirmed"
    trial.refresh_from_db()
    assert trial.status != Status.ALIGNING


def test_many_are_resolved_together_or_none_is():
    review = ReviewFactory()
    rows = [Discrepancy.objects.get(trial=trial_at(Status.ADJUDICATING, review)) for _ in range(2)]
    foreign = Discrepancy.objects.get(trial=trial_at(Status.ADJUDICATING))
    client = api(member(review, "adjudicator"))
    body = {"choice": "B", "reason_code": "misread"}
    ids = [str(row.pk) for row in rows]
    where = "/api/discrepancies/resolve-many/"
    for stranger in (str(foreign.pk), str(uuid4())):
        assert client.post(where, {**body, "ids": [*ids, stranger]}).status_code == 404
    assert not Resolution.objects.exists()
    assert client.post(where, {**body, "ids": ids}).json() == {"decided": 2}
    assert client.post(where, {**body, "ids": []}).status_code == 400
    assert client.post(where, {**body, "ids": [str(uuid4())] * 501}).status_code == 400


def test_another_value_is_read_as_strictly_as_an_extractor_s():
    review = ReviewFactory()
    row = Discrepancy.objects.get(trial=trial_at(Status.ADJUDICATING, review))
    client = api(member(review, "adjudicator"))
    where = f"/api/discrepancies/{row.pk}/resolve/"
    body = {"choice": "other", "reason_code": "typo", "version": 1, "centre_kind": "mean"}
    refused = client.post(where, {**body, "centre": "two"})
    assert (refused.status_code, refused.json()["problems"][0]["field"]) == (400, "centre")
    assert client.post(where, {**body, "centre": "-2.10"}).json()["resolutions"][0]["centre_printed"] == "-2.10"
    assert client.post(where, {**body, "centre": "-2.10"}).json()["code"] == "stale_version"


def test_an_extractor_neither_decides_nor_approves_the_own_trial():
    review = ReviewFactory()
    trial = trial_at(Status.AGREED, review)
    both = holder(trial, "A")
    member(review, "lead", "adjudicator", user=both)
    client = api(both)
    response = client.post(f"/api/trials/{trial.pk}/approve/")
    assert (response.status_code, response.json()["code"]) == (403, "not_allowed")
    assert client.post(f"/api/trials/{trial.pk}/reopen/", {"reason": "x"}).status_code == 403
    assert client.post(f"/api/trials/{trial.pk}/return/", {"slots": ["B"], "reason": "x"}).status_code == 403


def test_leads_exclude_a_trial_and_take_it_back():
    review = ReviewFactory()
    trial = TrialFactory(review=review)
    client = api(member(review, "lead"))
    out = client.post(f"/api/trials/{trial.pk}/exclude/", {"reason": "Not randomised."}).json()
    assert (out["excluded"], out["exclusion_reason"]) == (True, "Not randomised.")
    assert client.post(f"/api/trials/{trial.pk}/include/").json()["excluded"] is False
    assert client.post(f"/api/trials/{trial.pk}/exclude/", {"reason": ""}).status_code == 400
    assert client.post(f"/api/trials/{trial.pk}/exclude/", {"reason": "x" * 400}).status_code == 400
    assert api(member(review, "adjudicator")).post(f"/api/trials/{trial.pk}/include/").status_code == 403


def test_acts_without_values_refuse_values():
    review = ReviewFactory()
    trial = trial_at(Status.AGREED, review)
    client = api(member(review, "lead"))
    assert client.post(f"/api/trials/{trial.pk}/approve/", {"force": True}).status_code == 400
    assert not Approval.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_trials_and_entries_have_no_other_way_in(client, trial, entry, method):
    for path in (f"/api/trials/{trial.pk}/", f"/api/entries/{entry.pk}/", "/api/discrepancies/", "/api/reviews/"):
        response = getattr(client, method)(path, {"status": "approved"})
        assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


def test_get_never_acts(client, trial, entry):
    for path in (f"trials/{trial.pk}/start", f"trials/{trial.pk}/approve", f"entries/{entry.pk}/submit"):
        assert client.get(f"/api/{path}/").status_code == 405


# --- What is too much --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"changes":' * 2_000 + b"1" + b"}" * 2_000, 400),
        (b'{"label": "' + b"x" * 3_000_000 + b'"}', 413),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"label": NaN}', 400),
        (b'{"label": 1e400}', 400),
        (b"", 400),
    ],
)
def test_huge_deep_or_broken_json_is_refused(client, entry, body, status):
    response = client.post(f"/api/entries/{entry.pk}/arms/", data=body, content_type="application/json")
    assert response.status_code == status
    assert "code" in response.json()


def test_only_json_is_taken(client, entry):
    response = client.post(f"/api/entries/{entry.pk}/arms/", data="label=x", content_type="text/plain")
    assert response.status_code == 415


def test_the_partner_s_submission_is_no_news_to_the_blinded(client, trial, entry):
    before = client.get(f"/api/entries/{entry.pk}/").json(), client.get(f"/api/trials/{trial.pk}/").json()
    submitted(trial, "B")
    after = client.get(f"/api/entries/{entry.pk}/").json(), client.get(f"/api/trials/{trial.pk}/").json()
    assert before == after
