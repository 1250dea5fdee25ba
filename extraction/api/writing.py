"""What is sent to change a draft: texts as typed, per kind of row, with the version that was read."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from rest_framework import serializers

from extraction.api.strict import MOST_CHANGES, MOST_IDS, Reason, StrictSerializer, Verbatim, Version
from extraction.decisions import Decision
from extraction.enter import Change
from extraction.models import Choice, ReasonCode
from extraction.record import Subject
from extraction.typed import FIELDS


class RowTexts(StrictSerializer):
    """Base of the six kinds of row: one text per field of `extraction.typed.FIELDS`."""

    version = Version(required=False, help_text="Of the row, as it was read; needed to change it.")

    def change(self, subject: Subject, key: Any, *, new: bool) -> Change:
        values = dict(self.validated_data)
        version = values.pop("version", None)
        if new and version is not None:
            raise serializers.ValidationError({"version": ["A new row has none."]})
        if not new and version is None:
            raise serializers.ValidationError({"version": ["Send the version of the row that you read."]})
        return Change(subject, key, version, values)


def _texts(subject: Subject) -> type[RowTexts]:
    """Explicit fields, from the one list of what a row of this kind has."""
    help_texts = {
        "arm": "Id of an arm of this entry.",
        "versus": "Id of the arm it is compared with; empty within one arm.",
        "timepoint": "Id of a timepoint.",
        "outcome": "Id of an outcome.",
        "source_report": "Id of a report of the trial, as in the address of its page.",
    }
    fields = {name: Verbatim(help_text=help_texts.get(name, "")) for name in FIELDS[subject]}
    return type(f"{subject.value.title()}Texts", (RowTexts,), fields)


WRITE = {subject: _texts(subject) for subject in FIELDS}


class ChangeSerializer(StrictSerializer):
    """One row of a batch."""

    subject = serializers.ChoiceField(choices=[subject.value for subject in Subject])
    id = serializers.UUIDField(
        required=False, help_text="A new row may be given one, for other rows of the batch to refer to."
    )
    version = Version(required=False, allow_null=True, help_text="Left out or null: a new row.")
    values = serializers.DictField(child=Verbatim(), required=False, help_text="Texts as typed, by field.")
    delete = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: Any) -> Any:
        if "id" not in attrs and attrs.get("version") is not None:
            raise serializers.ValidationError({"id": ["Which row has this version?"]})
        return attrs


class BatchSerializer(StrictSerializer):
    """Several rows at once: all of them or none."""

    changes: Any = ChangeSerializer(many=True, allow_empty=False, max_length=MOST_CHANGES)  # type: ignore[call-arg]

    def as_changes(self) -> list[Change]:
        return [
            Change(
                Subject(row["subject"]),
                row.get("id") or uuid4(),
                row.get("version"),
                row.get("values", {}),
                delete=row["delete"],
            )
            for row in self.validated_data["changes"]
        ]


class SubmitSerializer(StrictSerializer):
    version = Version(help_text="Of the entry, as it was read.")


class ReturnSerializer(Reason):
    slots = serializers.ListField(child=serializers.ChoiceField(choices=["A", "B"]), min_length=1, max_length=2)


class PairSerializer(StrictSerializer):
    """Which rows of A and of B are the same; an empty side: only the other saw it."""

    subject = Verbatim(required=True, help_text="arm, timepoint or outcome")
    a = serializers.ListField(child=serializers.UUIDField(), max_length=MOST_IDS)
    b = serializers.ListField(child=serializers.UUIDField(), max_length=MOST_IDS)

    def validate_subject(self, subject: str) -> str:
        if subject not in {Subject.ARM, Subject.TIMEPOINT, Subject.OUTCOME}:
            raise serializers.ValidationError("It is arm, timepoint or outcome.")
        return subject


class DecisionSerializer(StrictSerializer):
    """A, B, another value (its texts as printed), or NR; with the reason."""

    choice = serializers.ChoiceField(choices=Choice.choices)
    reason_code = serializers.ChoiceField(choices=ReasonCode.choices)
    comment = Verbatim()
    n = Verbatim(max_length=60)
    centre_kind = Verbatim(max_length=14)
    centre = Verbatim(max_length=60)
    spread_kind = Verbatim(max_length=12)
    spread = Verbatim(max_length=60)
    spread_low = Verbatim(max_length=60)
    spread_high = Verbatim(max_length=60)
    spread_level = Verbatim(max_length=20)
    text = Verbatim(max_length=200)

    def decision(self) -> Decision:
        return Decision(**{name: text for name, text in self.validated_data.items() if name not in {"version", "ids"}})


class UndoSerializer(StrictSerializer):
    version = Version(help_text="Of the discrepancy, as it was read.")


class ResolveSerializer(DecisionSerializer):
    version = Version(help_text="Of the discrepancy, as it was read.")


class ResolveManySerializer(DecisionSerializer):
    ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MOST_IDS)
