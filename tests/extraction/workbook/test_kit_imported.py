"""Every file of the kit through the whole way, in the situation that the kit describes."""

from __future__ import annotations

import pytest

from extraction import enter
from extraction.models import Arm, Assignment, Entry, Trial
from extraction.recorded import recording
from extraction.workbook.importing import ImportRefused
from extraction.workbook.plan import State
from extraction.workbook.text import fold
from tests.extraction.workbook.build import parse_inside
from tests.extraction.workbook.conftest import Desk, everything
from tests.extraction.workbook.kit import VOCABULARY, Case, cases, is_at, outcome
from tests.extraction.workbook.test_importing import GOOD

pytestmark = pytest.mark.django_db

MOST_TRIALS = 100  # beyond that a file is only looked at here: applying it is one call of `enter.save` a trial


def prepare(case: Case, desk: Desk) -> None:
    """What must be there for a file that is to be taken: the trials that it names, begun, with their arms."""
    if case.expect == "reject":
        return
    with recording():
        for label, parsed in parse_inside(case.data, case.file, VOCABULARY).trials.items():
            if label == "s001":
                entry = desk.entry
            else:
                trial = Trial.objects.create(review=desk.review, label=parsed.label)
                Assignment.objects.create(trial=trial, slot="A", user=desk.me)
                entry = Entry.objects.create(trial=trial, slot="A", holder=desk.me)
            there = {fold(arm.label) for arm in entry.as_record().arms}
            for arm in sorted({one.place.seen for one in parsed.observations}):
                if fold(arm) not in there:
                    Arm.objects.create(entry=entry, label=arm)


@pytest.mark.parametrize("case", cases(), ids=lambda case: ascii(case.file))
def test_a_file_of_the_kit_changes_what_its_manifest_says_and_a_rejected_one_nothing(case: Case, desk: Desk) -> None:
    # given the situation that the kit describes
    if case.reason == "E_SCOPE":
        desk.apply(GOOD)
        enter.submit(desk.entry.pk, by=desk.me)
    prepare(case, desk)
    before = everything()
    # when the file is looked at
    shown = desk.preview(case.data, case.file)
    # then nothing has changed yet, and the verdict is that of the manifest
    assert everything() == before
    got = outcome(shown.findings)
    assert got in case.outcomes, [str(finding) for finding in shown.findings]
    if got == case.expect and case.reason:
        assert case.reasons & {finding.code.value for finding in shown.findings}
        assert case.where is None or any(is_at(finding, case.where) for finding in shown.findings)
    # when it is applied, then a rejected file changes nothing, and a good one every row
    if len(shown.trials) > MOST_TRIALS:
        assert sum(one.state is State.NEW for trial in shown.trials for one in trial.rows) > case.rows
    elif got == "reject":
        with pytest.raises(ImportRefused) as refused:
            desk.apply(case.data, case.file)
        assert everything() == before
        assert refused.value.status in (400, 409)
        assert refused.value.details()
    else:
        desk.apply(case.data, case.file, plan=shown.plan)
        entries = Entry._base_manager.filter(holder=desk.me)
        assert sum(len(entry.as_record().observations) for entry in entries) == case.rows
        # and the same file again changes nothing
        after = everything()
        assert desk.apply(case.data, case.file).changes_nothing
        assert everything() == after
