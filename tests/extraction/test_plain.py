"""Entries read as plain values, many at once: the same as one by one, by the model rows."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from extraction import record
from extraction.demo import load
from extraction.models import Entry, Outcome
from extraction.models.plain import Read, as_record, read_entries, rows_of


@pytest.mark.django_db
def test_many_entries_read_at_once_are_what_each_is_by_itself(django_assert_num_queries: Any) -> None:
    # given the demo review, entered by both, with the direction of one outcome set by hand
    people, _ = load.make_people()
    review = load.define_review(people)
    load.import_entries(review, people)
    entries = list(Entry.objects.filter(trial__review=review))
    outcome = Outcome.objects.filter(entry=entries[3]).first()
    assert outcome is not None
    Outcome._base_manager.filter(pk=outcome.pk).update(direction_override=-1, direction_reason="so printed")
    # when all are read at once
    with django_assert_num_queries(6):
        read = read_entries([entry.pk for entry in entries])
    # then each says what its rows say
    assert len(read) == len(entries) > 100
    for entry in entries:
        assert read[entry.pk].entry == as_record(rows_of(entry))
    assert sum(len(one.entry.characteristics) for one in read.values()) > 0
    assert {key: one.overrides for key, one in read.items() if one.overrides} == {entries[3].pk: {str(outcome.pk): -1}}


@pytest.mark.django_db
def test_an_entry_without_rows_says_nothing() -> None:
    key = uuid4()
    assert read_entries([key]) == {key: Read(record.Entry(), {})}
