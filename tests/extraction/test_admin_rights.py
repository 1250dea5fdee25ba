"""The door of the administration: who sees which rows, and which questions are not answered."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from extraction.admin.blinded import BlindedAdmin
from extraction.models import Discrepancy, Entry, Event, Membership, Trial, User
from extraction.states import Status
from tests.extraction.admin_pages import act, address, listed, signed_in
from tests.factories import (
    MarkerFactory,
    ReviewFactory,
    TrialFactory,
    UserFactory,
    draft,
    holder,
    member,
    trial_at,
)

pytestmark = pytest.mark.django_db

SECRET_OF_A_FORM = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')
RECORDED = [model for model, site in admin.site._registry.items() if isinstance(site, BlindedAdmin)]


def model_name(model):
    return model.__name__


def test_every_model_of_ours_is_kept_by_the_blinded_admin_except_accounts():
    reverse("admin:index")  # loads the addresses, which close what others opened
    ours = {model for model in admin.site._registry if model._meta.app_label in {"extraction", "analysis"}}
    assert ours - set(RECORDED) == {User}
    others = {model for model in admin.site._registry if model._meta.app_label not in {"extraction", "analysis"}}
    assert others == set(), "somebody else's admin page reaches tables past `visible_to`"


@pytest.mark.parametrize("model", RECORDED, ids=model_name)
def test_nothing_is_deleted_in_bulk(model):
    client = signed_in(member(ReviewFactory(), "lead", "adjudicator", "reader"))
    response = client.get(address(model, "changelist"))
    form = response.context["action_form"]
    actions = {name for name, _ in form.fields["action"].choices} if form else set()
    assert "delete_selected" not in actions


@pytest.mark.parametrize("model", RECORDED, ids=model_name)
def test_a_superuser_without_membership_sees_no_row(model):
    review = ReviewFactory()
    MarkerFactory(review=review)
    trial_at(Status.APPROVED, review)
    trial_at(Status.ADJUDICATING, review)
    client = signed_in(UserFactory(is_superuser=True))
    response = client.get(address(model, "changelist"))
    assert response.status_code == 403 or list(response.context["cl"].queryset) == []
    for row in model._base_manager.all()[:3]:
        assert client.get(address(row)).status_code in {403, 404}
        assert client.post(address(row, "delete"), {"post": "yes"}).status_code in {403, 404}
        assert model._base_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", [*RECORDED, User], ids=model_name)
def test_without_the_staff_flag_every_page_leads_to_signing_in(model):
    client = Client()
    client.force_login(member(ReviewFactory(), "lead"))
    for page in ("changelist", "add"):
        response = client.get(address(model, page))
        assert response.status_code == 302
        assert "login" in response["Location"]


@pytest.mark.parametrize("model", RECORDED, ids=model_name)
def test_a_foreign_key_and_an_unused_one_are_answered_alike(model):
    # given a row of another review, and a key that nobody has
    review = ReviewFactory()
    MarkerFactory(review=review)
    trial_at(Status.APPROVED, review)
    trial_at(Status.ADJUDICATING, review)
    client = signed_in(member(ReviewFactory(), "lead", "adjudicator", "reader", "extractor"))
    row = model._base_manager.first()
    if row is None or model.objects.visible_to(client.get("/admin/").wsgi_request.user).filter(pk=row.pk).exists():
        return
    unused = uuid4() if isinstance(row.pk, type(uuid4())) else 10**6
    # when each page of both is asked for
    for page in ("change", "delete", "history"):
        answers = []
        for key in (row.pk, unused):
            where = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=[key])
            answer = client.get(where)
            answers.append((answer.status_code, SECRET_OF_A_FORM.sub("", answer.content.decode().replace(where, ""))))
        # then nothing tells the two apart
        assert answers[0] == answers[1], page
        assert answers[0][0] in {403, 404}


@pytest.mark.parametrize(
    "question",
    [
        "a_entry__observations__centre__gt=1",
        "trial__entries__slot=B",
        "trial__status__exact=approved",
        "a_says__startswith=8",
        "a_says=8",
        "version__gt=1",
        "state__exact=open",
        "pk__in=1",
        "id=1",
    ],
)
def test_a_lookup_that_is_no_filter_of_the_list_is_refused(question):
    client = signed_in(member(ReviewFactory(), "adjudicator"))
    assert client.get(f"{address(Discrepancy, 'changelist')}?{question}").status_code == 400


@pytest.mark.parametrize(
    "question",
    [
        "trial=abc",
        "trial=999999999999999999999999",
        "trial=%C3%A4",
        "state=",
        "trial_review=-1",
        "p=999999",
        "p=x",
        "o=99.-99",
        "q=%F0%9F%A6%84",
    ],
)
def test_a_filter_with_a_value_that_cannot_be_never_fails(question):
    client = signed_in(member(ReviewFactory(), "adjudicator"))
    response = client.get(f"{address(Discrepancy, 'changelist')}?{question}", follow=True)
    assert response.status_code == 200


def test_filters_offer_what_the_reader_may_see_and_nothing_else():
    review = ReviewFactory()
    trial_at(Status.ADJUDICATING, review)
    trial_at(Status.ADJUDICATING, review)
    foreign = trial_at(Status.ADJUDICATING)
    client = signed_in(member(review, "adjudicator"))
    page = client.get(address(Discrepancy, "changelist"), {"_facets": "True"}).content.decode()
    assert foreign.label not in page
    assert "Open (2)" in page


def test_the_autocomplete_address_answers_from_visible_rows():
    trial = TrialFactory()
    theirs = draft(trial, "B")
    client = signed_in(holder(trial, "A"))
    query = {"app_label": "extraction", "model_name": "event", "field_name": "entry"}
    answer = client.get(reverse("admin:autocomplete"), query)
    assert answer.status_code in {200, 403, 404}
    assert str(theirs.pk) not in answer.content.decode()


def test_another_field_as_key_is_refused():
    client = signed_in(member(ReviewFactory(), "adjudicator"))
    assert client.get(address(Discrepancy, "changelist"), {"_to_field": "a_says"}).status_code == 400


def test_the_start_page_counts_only_what_is_ones_own_to_do():
    review = ReviewFactory()
    trial = trial_at(Status.ADJUDICATING, review)
    adjudicator = signed_in(member(review, "adjudicator"))
    assert "<b>1</b> to decide" in adjudicator.get("/admin/").content.decode()
    extractor = signed_in(holder(trial, "A"))
    assert "to decide" not in extractor.get("/admin/").content.decode()


def test_the_history_of_a_row_is_what_the_reader_may_see_of_it():
    trial = TrialFactory()
    mine, theirs = draft(trial, "A"), draft(trial, "B")
    client = signed_in(holder(trial, "A"))
    assert {event.entry for event in listed(client, Event)} == {mine}
    page = client.get(address(mine, "history"))
    assert {event.entry for event in page.context["events"]} == {mine}
    assert client.get(address(theirs, "history")).status_code == 404


def test_only_the_own_membership_is_listed_for_who_leads_nothing():
    review = ReviewFactory()
    member(review, "lead")
    client = signed_in(member(review, "adjudicator"))
    assert len(listed(client, Membership)) == 1


def test_an_action_on_rows_out_of_sight_does_nothing():
    foreign = trial_at(Status.AGREED)
    client = signed_in(member(ReviewFactory(), "lead"))
    act(client, Trial, "approve_selected", [foreign])
    foreign.refresh_from_db()
    assert foreign.status == Status.AGREED


def test_an_account_that_was_switched_off_is_out_at_once():
    review = ReviewFactory()
    lead = member(review, "lead")
    client = signed_in(lead)
    assert client.get(address(Entry, "changelist")).status_code == 200
    lead.is_active = False
    lead.save()
    assert client.get(address(Entry, "changelist")).status_code == 302


LISTS = [model for model in RECORDED if model._meta.app_label == "extraction"]


@pytest.mark.parametrize("model", LISTS, ids=model_name)
def test_a_list_needs_as_many_queries_for_many_rows_as_for_few(model, django_assert_max_num_queries):
    # given few rows of everything
    review = ReviewFactory()
    lead = member(review, "lead", "adjudicator", "reader")
    client = signed_in(lead)

    def more(number):
        for _ in range(number):
            MarkerFactory(review=review)
            for status in (Status.ADJUDICATING, Status.APPROVED, Status.ALIGNING):
                trial_at(status, review, decider=lead)

    more(1)
    client.get(address(model, "changelist"))
    with django_assert_max_num_queries(40) as few:
        client.get(address(model, "changelist"))
    # when there are many
    more(3)
    # then the list asks no more
    with django_assert_max_num_queries(len(few)):
        client.get(address(model, "changelist"))
