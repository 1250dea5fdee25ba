"""Double entry in the administration: the own draft, blinded, through the verbs."""

from __future__ import annotations

import pytest

from extraction import enter
from extraction.enter import Change
from extraction.models import Arm, ContrastStatistic, Entry, Event, Observation
from extraction.record import Subject
from extraction.states import Status
from tests.extraction.admin_pages import act, address, form_of, listed, signed_in, told
from tests.factories import (
    InterventionFactory,
    MarkerFactory,
    ReviewFactory,
    TrialFactory,
    draft,
    holder,
    member,
    submitted,
    trial_at,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def trial():
    return TrialFactory()


@pytest.fixture
def entry(trial):
    return draft(trial, "A")


@pytest.fixture
def client(trial):
    return signed_in(holder(trial, "A"))


def shown(client, entry):
    return form_of(client, address(entry), "entry_form")


def save(client, entry, button="_continue", **values):
    return client.post(address(entry), {**shown(client, entry), button: "1", **values})


def refusals(response):
    """What a refused form says, by row and field."""
    formsets = [inline.formset for inline in response.context["inline_admin_formsets"]]
    return {form.prefix: dict(form.errors) for formset in formsets for form in formset.forms if form.errors}


def row_named(data, prefix, field, text):
    """The prefix of the inline row in which `field` says `text`."""
    name = next(
        name for name, value in data.items() if name.startswith(prefix) and name.endswith(f"-{field}") and value == text
    )
    return name.removesuffix(f"-{field}")


def test_starting_makes_the_own_draft_and_opens_it(client, trial):
    response = client.post(address(Entry, "add"), {"answered": "1", "trial": trial.pk})
    made = Entry.objects.get()
    assert (made.trial, made.slot, made.holder) == (trial, "A", holder(trial, "A"))
    assert response["Location"] == address(made)


def test_only_own_trials_that_are_not_begun_are_offered_for_starting(client, trial):
    other = TrialFactory(review=trial.review)
    form = client.get(address(Entry, "add")).context["form"]
    assert list(form.fields["trial"].queryset) == [trial]
    response = client.post(address(Entry, "add"), {"answered": "1", "trial": other.pk})
    assert response.context["form"].errors.keys() == {"trial"}
    assert not Entry.objects.exists()


def test_saving_what_was_not_touched_changes_nothing(client, entry):
    response = save(client, entry)
    assert response.status_code == 302
    assert Event.objects.filter(entry=entry, verb="save").count() == 1, "the one of the test's own set-up"


def test_a_changed_value_is_kept_as_typed_with_its_line_in_the_history(client, entry):
    data = shown(client, entry)
    cell = row_named(data, "observations", "centre", "-2.1")
    save(client, entry, **{f"{cell}-centre": "-2.10", f"{cell}-source_place": "Table 3"})
    row = Observation.objects.get(entry=entry, arm__label="Training")
    assert (row.centre_printed, row.centre, row.source_place, row.version) == ("-2.10", -2.1, "Table 3", 2)
    event = Event.objects.filter(entry=entry, verb="save").latest("seq")
    assert event.actor == entry.holder
    assert event.after[f"observation:{row.pk}"] == {"centre": "-2.10", "source_place": "Table 3"}


def test_rows_of_every_kind_are_added(client, entry, trial):
    MarkerFactory(review=trial.review, code="crp")
    InterventionFactory(review=trial.review, code="yoga")
    save(
        client,
        entry,
        **{
            "arms-2-label": "Yoga",
            "arms-2-intervention": "yoga",
            "arms-2-n_randomised": "NR",
            "timepoints-1-phase": "baseline",
            "outcomes-1-name": "CRP",
            "outcomes-1-marker": "crp",
        },
    )
    arm = Arm.objects.get(entry=entry, label="Yoga")
    assert (arm.intervention.code, arm.n_randomised_status) == ("yoga", "NR")
    assert entry.timepoints.filter(phase="baseline").exists()
    outcome = entry.outcomes.get(name="CRP")
    time = entry.timepoints.get(phase="baseline")
    response = save(
        client,
        entry,
        **{
            "observations-2-outcome": str(outcome.pk),
            "observations-2-arm": str(arm.pk),
            "observations-2-timepoint": str(time.pk),
            "observations-2-n": "20",
            "observations-2-centre_kind": "median",
            "observations-2-centre": "<0.5",
            "observations-2-spread_kind": "iqr",
            "observations-2-spread_low": "0.1",
            "observations-2-spread_high": "0.9",
        },
    )
    assert response.status_code == 302, refusals(response)
    cell = Observation.objects.get(entry=entry, outcome=outcome)
    assert (cell.centre_printed, cell.centre, cell.centre_qualifier) == ("<0.5", 0.5, "<")
    assert (cell.spread_low, cell.spread_high) == (0.1, 0.9)


def test_a_blank_row_is_not_saved_because_its_selects_have_a_first_option(client, entry):
    before = {kind: getattr(entry, kind).count() for kind in ("arms", "timepoints", "outcomes", "observations")}
    save(client, entry)
    assert {kind: getattr(entry, kind).count() for kind in before} == before


def test_a_ticked_row_is_deleted_with_what_stands_on_it(client, entry):
    data = shown(client, entry)
    arm = row_named(data, "arms", "label", "Waiting list")
    save(client, entry, **{f"{arm}-DELETE": "on"})
    assert [row.label for row in entry.arms.all()] == ["Training"]
    assert entry.observations.count() == 1


def test_a_refused_value_is_told_at_its_field_and_nothing_is_saved(client, entry):
    data = shown(client, entry)
    cell = row_named(data, "observations", "centre", "-2.1")
    arm = row_named(data, "arms", "label", "Training")
    response = save(
        client, entry, **{f"{cell}-centre": "1,5 or so", f"{arm}-label": "Exercise", "arms-2-n_randomised": "-3"}
    )
    assert response.status_code == 400
    assert {row: set(errors) for row, errors in refusals(response).items()} == {
        cell: {"centre"},
        "arms-2": {"label", "n_randomised"},
    }
    page = response.content.decode()
    assert 'value="1,5 or so"' in page
    assert 'value="Exercise"' in page
    assert entry.arms.filter(label="Training").exists()


def test_a_row_changed_in_another_tab_is_a_conflict_that_loses_nothing(client, entry):
    # given a tab that shows the draft
    data = shown(client, entry)
    cell = row_named(data, "observations", "centre", "-2.1")
    # when another tab saves the same cell first
    row = Observation.objects.get(entry=entry, arm__label="Training")
    enter.save(entry.pk, [Change(Subject.OBSERVATION, row.pk, row.version, {"centre": "-2.2"})], by=entry.holder)
    response = client.post(address(entry), {**data, "_continue": "1", f"{cell}-centre": "-2.3"})
    # then this one is told, keeps what was typed, and overwrites nothing
    assert response.status_code == 409
    assert "since you opened it" in response.content.decode()
    assert 'value="-2.3"' in response.content.decode()
    row.refresh_from_db()
    assert row.centre_printed == "-2.2"


def test_two_rows_in_one_cell_are_refused_in_words(client, entry):
    data = shown(client, entry)
    cell = row_named(data, "observations", "centre", "-2.1")
    same = {f"observations-2-{name}": data[f"{cell}-{name}"] for name in ("outcome", "arm", "timepoint", "quantity")}
    response = save(client, entry, **same)
    assert response.status_code == 409
    assert "This cell is there already" in response.content.decode()


def test_submitting_saves_first_and_freezes(client, entry):
    data = shown(client, entry)
    cell = row_named(data, "observations", "centre", "-2.1")
    response = save(client, entry, "_submit", **{f"{cell}-centre": "-2.2"})
    assert response.status_code == 302
    entry.refresh_from_db()
    assert not entry.is_draft
    assert Observation.objects.get(entry=entry, arm__label="Training").centre_printed == "-2.2"
    assert client.post(address(entry), data).status_code == 403, "a submitted entry is read-only"


def test_a_refused_submission_keeps_what_was_saved(client, trial):
    entry = enter.start(trial.pk, by=holder(trial, "A"))
    response = client.post(
        address(entry), {**shown(client, entry), "_submit": "1", "arms-0-label": "Training"}, follow=True
    )
    assert "no observation to submit" in " ".join(told(response))
    entry.refresh_from_db()
    assert entry.is_draft
    assert [arm.label for arm in entry.arms.all()] == ["Training"]


def test_a_submission_from_a_stale_tab_is_refused(client, entry):
    tab = shown(client, entry)
    row = entry.arms.get(label="Training")
    enter.save(entry.pk, [Change(Subject.ARM, row.pk, row.version, {"format": "group"})], by=entry.holder)
    arm = row_named(tab, "arms", "label", "Training")
    fresh = {f"{arm}-version": "2", f"{arm}-format": "group"}
    response = client.post(address(entry), {**tab, **fresh, "_submit": "1"}, follow=True)
    assert "another tab" in " ".join(told(response))
    entry.refresh_from_db()
    assert entry.is_draft


def test_undoing_works_until_the_partner_has_submitted(client, trial):
    entry = submitted(trial, "A")
    act(client, Entry, "undo_selected", [entry])
    entry.refresh_from_db()
    assert entry.is_draft
    enter.submit(entry.pk, by=entry.holder)
    submitted(trial, "B")
    response = act(client, Entry, "undo_selected", [entry])
    assert "cannot be undone" in " ".join(told(response))


def test_the_partner_s_entry_is_nowhere_while_entering(client, trial, entry):
    theirs = draft(trial, "B", cells={"treated": {"centre": "8642.1357"}})
    assert listed(client, Entry) == [entry]
    assert client.get(address(theirs)).status_code == 404
    assert client.post(address(theirs), {"version": "1"}).status_code == 404
    assert client.get(address(theirs, "history")).status_code == 404


def test_deciders_read_both_entries_and_change_neither():
    review = ReviewFactory()
    trial = trial_at(Status.ADJUDICATING, review)
    client = signed_in(member(review, "adjudicator"))
    found = listed(client, Entry)
    assert {entry.slot for entry in found} == {"A", "B"}
    page = client.get(address(found[0])).content.decode()
    assert "mean −2.1" in page
    assert "_save" not in page
    for entry in trial.entries.all():
        assert client.post(address(entry), {"version": "1"}).status_code == 403


def test_a_row_of_somebody_else_smuggled_into_the_form_changes_nothing_and_tells_nothing(client, trial, entry):
    # given the key of a row in the partner's draft
    theirs = draft(trial, "B").arms.get(label="Training")
    answers = []
    # when it is sent in place of an own row, and then a key that never existed
    for key in (theirs.pk, "00000000-0000-4000-8000-000000000000"):
        data = shown(client, entry)
        data |= {"_continue": "1", "arms-0-id": str(key), "arms-0-label": "Taken over"}
        answers.append(client.post(address(entry), data))
    # then both are refused in the same words
    assert [answer.status_code for answer in answers] == [409, 409]
    assert answers[0].context["errors"] == answers[1].context["errors"]
    theirs.refresh_from_db()
    assert theirs.label == "Training"


def test_a_form_that_was_tampered_with_is_refused_without_failing(client, entry):
    data = shown(client, entry)
    for broken in (
        {"observations-TOTAL_FORMS": "many"},
        {"observations-0-version": "one"},
        {"observations-0-id": "no uuid"},
        {"observations-0-version": ""},
        {"observations-0-quantity": "sum"},
        {"version": ""},
    ):
        response = client.post(address(entry), {**data, "observations-0-n": "7", "_continue": "1", **broken})
        assert response.status_code in {200, 400, 409}, broken
    assert not Observation.objects.filter(entry=entry, n=7).exists()


def test_a_contrast_is_typed_into_the_own_draft_and_read_after_it_was_submitted(client, entry):
    arms = {row.label: str(row.pk) for row in entry.arms.all()}
    place = {"outcome": str(entry.outcomes.get().pk), "timepoint": str(entry.timepoints.get().pk)}
    said = {**place, "arm": arms["Training"], "versus": arms["Waiting list"], "statistic": "p", "value": "<0.050"}
    response = save(client, entry, **{f"contrasts-0-{name}": text for name, text in said.items()})
    assert response.status_code == 302
    row = ContrastStatistic.objects.get(entry=entry)
    assert (row.value_printed, row.value_qualifier, str(row.versus)) == ("<0.050", "<", "Waiting list")
    response = save(client, entry, **{"contrasts-0-value": "3"})
    assert "a p lies between 0 and 1" in str(refusals(response))
    assert save(client, entry, **{"contrasts-0-value": "0.04", "contrasts-0-df": "47"}).status_code == 302
    enter.submit(entry.pk, by=entry.holder)
    page = client.get(address(entry)).content.decode()
    assert "p, Training against Waiting list, IL-6, post, week 12" in page
    assert "0.04" in page
