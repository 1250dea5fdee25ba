"""Between two versions of one record: what changed, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from extraction.likeness import Vocabulary
from extraction.numbers import parse_count, parse_quantity
from extraction.record import (
    Arm,
    Characteristic,
    ContrastStatistic,
    ModeratorKind,
    Report,
    Source,
    Statistic,
    Status,
    Timepoint,
)
from extraction.revision import Changed, changes
from tests.extraction.entries import UNITS, cell, contrast, entry, renamed


def changed(old, new):
    return changes(old, renamed(new, "", "v2-"), UNITS, Vocabulary())


OLD = entry(cell("c1"), cell("c2", arm="arm2", centre="4.0"), arms=(
    Arm("arm1", "CBT", intervention="cbt", n_randomised=parse_count("30")), Arm("arm2", "Waitlist"),
))  # fmt: skip


def with_first(**values):
    first, second = OLD.observations
    return replace(OLD, observations=(replace(first, **values), second))


def test_the_same_under_new_keys_is_no_change():
    assert changed(OLD, OLD) == []


def test_a_number_that_changed_is_named_with_both_forms():
    assert changed(OLD, with_first(centre=parse_quantity("3.10"))) == [
        Changed("IL-6 · CBT · post", "centre", "mean 3.1", "mean 3.10")
    ]


def test_a_value_that_came_and_one_that_went():
    came = changed(OLD, with_first(n=parse_count("NR")))
    assert [(one.what, one.before, one.after) for one in came] == [("n", "25", "NR")]


def test_a_row_that_went():
    (one,) = changed(OLD, replace(OLD, observations=OLD.observations[:1]))
    assert (one.where, one.what, one.before, one.after) == (
        "IL-6 · Waitlist · post", "the observation", "present", "–",
    )  # fmt: skip


def test_texts_that_are_never_compared_are_told_apart():
    found = changed(OLD, with_first(source=Source("5", "Table 3", "mean ± SD"), notes="read twice"))
    assert all(one.is_text for one in found)
    assert {one.what: one.after for one in found} == {
        "source page": "5", "source": "Table 3", "source quote": "mean ± SD", "notes": "read twice",
    }  # fmt: skip


def test_what_a_contrast_is_adjusted_for_and_where_it_stands_is_told_too():
    stated = ContrastStatistic("s1", "arm1", "time1", "outcome1", Statistic.P, "arm2", parse_quantity("0.03"))
    old = replace(OLD, contrasts=(stated,))
    new = replace(old, contrasts=(replace(stated, adjusted="age", source=Source(report=Report("r2", "Supplement 1"))),))
    assert {one.what: (one.before, one.after) for one in changed(old, new)} == {
        "adjusted": ("–", "age"), "source report": ("–", "Supplement 1"),
    }  # fmt: skip


def test_weeks_and_numbers_randomised_change_too():
    arms = (replace(OLD.arms[0], n_randomised=parse_count("31")), OLD.arms[1])
    found = changed(
        OLD, replace(OLD, arms=arms, timepoints=(Timepoint("time1", OLD.timepoints[0].phase, "post", 12.0),))
    )
    assert [(one.what, one.before, one.after) for one in found] == [
        ("n randomised", "30", "31"), ("weeks", "10", "12"),
    ]  # fmt: skip


def test_a_contrast_is_named_by_its_arms_or_by_its_one_arm():
    between, within = contrast("k1"), contrast("k2", Statistic.CORRELATION, "0.5")
    old = replace(OLD, contrasts=(between, within))
    new = replace(old, contrasts=tuple(replace(one, value=parse_quantity("0.7")) for one in old.contrasts))
    assert [(one.where, one.what, one.before, one.after) for one in changed(old, new)] == [
        ("IL-6 · pre-post correlation r, CBT · post", "value", "0.5", "0.7"),
        ("IL-6 · t, CBT against Waitlist · post", "value", "2.10", "0.7"),
    ]


def test_a_characteristic_is_named_by_its_moderator_and_its_arm():
    def of(age: str, sessions: str):
        return replace(
            OLD,
            characteristics=tuple(
                Characteristic(key, name, ModeratorKind.NUMBER, arm, Status.REPORTED, text, float(text))
                for key, name, arm, text in (("m1", "age", "", age), ("m2", "sessions", "arm1", sessions))
            ),
        )

    assert [(one.where, one.what, one.before, one.after) for one in changed(of("51", "8"), of("52", "9"))] == [
        ("age", "value", "51", "52"), ("sessions, CBT", "value", "8", "9"),
    ]  # fmt: skip
