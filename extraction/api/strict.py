"""Fields and serializers that refuse what they do not know, and texts that stay as they were typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rest_framework import serializers

if TYPE_CHECKING:
    Serializer = serializers.Serializer[Any]
    ModelSerializer = serializers.ModelSerializer[Any]
else:
    Serializer, ModelSerializer = serializers.Serializer, serializers.ModelSerializer

LONGEST: Final = 10_000  # characters of one text; the strict reading of the record sets the real limits
MOST_CHANGES: Final = 2_000  # rows in one request
MOST_IDS: Final = 500


class StrictSerializer(Serializer):
    """Unknown names are refused, and so are names that are only read: nothing is dropped in silence."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            known = {name for name, field in self.fields.items() if not field.read_only}
            if unknown := sorted(str(name) for name in data.keys() - known):
                raise serializers.ValidationError({name: ["There is no such field here."] for name in unknown})
        return super().to_internal_value(data)


class Verbatim(serializers.CharField):
    """A text exactly as typed or printed. A JSON number is refused: 1.20 would arrive as 1.2."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"required": False, "allow_blank": True, "trim_whitespace": False, "max_length": LONGEST, **kwargs}
        )

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError('Send it as text, as it is printed: "1.20".')
        return str(super().to_internal_value(data))


class Version(serializers.IntegerField):
    """The version that was read; the answer is 409 when it has moved on."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": 2_000_000_000, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class Nothing(StrictSerializer):
    """An act that takes no values."""


class Reason(StrictSerializer):
    reason = Verbatim(required=True, allow_blank=False, help_text="It stays in the history.")


class RefusalProblem(Serializer):
    """One refused value."""

    row = serializers.CharField()
    field = serializers.CharField()
    message = serializers.CharField()
    seen = serializers.CharField()


class Refusal(Serializer):
    """What every refusal looks like. `code` is stable, `detail` is a sentence for people."""

    code = serializers.CharField()
    detail = serializers.CharField()
    problems = RefusalProblem(many=True, required=False, help_text="Of a row of an entry: one per refused value.")
    fields = serializers.DictField(required=False, help_text="Of the request itself: messages by name.")  # type: ignore[assignment]
