"""Arms, timepoints, outcomes and characteristics as rows of the entry form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from extraction.forms.inputs import Input, Option, Posted, Texts, Was, read_key
from extraction.models import Arm
from extraction.record import Condition, ModeratorKind, Phase, Role, Scale, Subject
from extraction.typed import DEFAULTS, values_of

SAID: Final[tuple[Option, ...]] = (
    ("NR", "NR, not reported"),
    ("NM", "NM, not measured"),
    ("UN", "UN, unclear"),
)
NOT_CHOSEN: Final[Option] = ("", "–")


@dataclass(frozen=True, slots=True)
class Control:
    """One field of a kind of row: its label, how it is typed, and whether it stands among the main ones."""

    field: str
    label: str
    kind: str = "text"
    options: Sequence[Option] = ()
    hint: str = ""
    main: bool = True


CONDITIONS = [NOT_CHOSEN, (Condition.BASAL, "basal"), (Condition.STIMULATED, "stimulated")]
SCALES = [(Scale.RAW, "raw"), (Scale.LOG, "log"), (Scale.RATIO, "ratio"), (Scale.PERCENT, "percent")]
PHASES = [
    ("", "choose"),
    (Phase.BASELINE, "Baseline"),
    (Phase.DURING, "During treatment"),
    (Phase.POST, "After treatment"),
    (Phase.FOLLOW_UP, "Follow-up"),
]
DIRECTIONS = [("", "as in the codebook"), ("1", "higher is better"), ("-1", "lower is better")]


def controls(interventions: Iterable[Any], markers: Iterable[Any]) -> dict[Subject, tuple[Control, ...]]:
    """Every field of the three kinds of structure, in the order of the form."""
    treatments = [NOT_CHOSEN, *((row.code, row.name) for row in interventions)]
    known = [("", "not in the codebook yet"), *((row.code, row.name) for row in markers)]
    return {
        Subject.ARM: (
            Control("label", "Name, as printed"),
            Control("role", "Role", "select", [(Role.INTERVENTION, "Intervention"), (Role.CONTROL, "Control")]),
            Control("intervention", "Kind of treatment", "select", treatments),
            Control("control_kind", "Kind of control", "select", Arm.ControlKind.choices),
            Control("n_randomised", "Randomised", "number", hint="As printed, or NR"),
            Control("format", "Format", hint="Group, individual, online …", main=False),
            Control("sessions", "Sessions", hint="As printed", main=False),
            Control("weeks", "Weeks of treatment", hint="As printed", main=False),
            Control("stratum", "Stratum", hint="Arms are contrasted within one only; usually empty", main=False),
            Control("eligible", "Answers the review’s question", "check", main=False),
        ),
        Subject.TIMEPOINT: (
            Control("phase", "Phase", "select", PHASES),
            Control("printed", "As printed", hint="“3 months after treatment”"),
            Control("weeks", "Weeks from randomisation", "number", hint="0 is the baseline"),
            Control("weeks_after_end", "Weeks after treatment", "number"),
        ),
        Subject.OUTCOME: (
            Control("name", "Name, as printed"),
            Control("marker", "Marker", "select", known),
            Control("unit", "Unit, as printed"),
            Control("specimen", "Specimen", hint="Serum, plasma, saliva …"),
            Control("assay", "Assay", main=False),
            Control("condition", "Condition", "select", CONDITIONS, main=False),
            Control("stimulus", "Stimulus", main=False),
            Control("dose", "Dose", main=False),
            Control("scale", "Scale", "select", SCALES, main=False),
            Control("scale_base", "Base of the log", hint="e, 2 or 10", main=False),
            Control("scale_offset", "Added before the log", main=False),
            Control("family", "Family", main=False),
            Control("direction_override", "Direction", "select", DIRECTIONS, main=False),
            Control("direction_reason", "Why another direction", main=False),
            Control("is_primary", "A primary outcome of the trial", "check", main=False),
        ),
    }


@dataclass(slots=True)
class RowForm:
    """One row of the structure, saved or still blank."""

    subject: Subject
    key: UUID
    title: str
    was: str  # "" while the row is new
    inputs: dict[str, Input]
    main: list[Input]
    more: list[Input]
    remove: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.subject}.{self.key}"

    @property
    def more_said(self) -> list[str]:
        """What the folded fields say, in words: it stands beside the fold."""
        usual = {**DEFAULTS[self.subject], "is_primary": "no", "condition": "", "scale": "raw"}
        said = []
        for control in self.more:
            unusual = control.text != usual.get(control.name.rpartition(".")[2], "")
            if unusual and control.kind == "check":
                said.append(control.label if control.text == "yes" else f"not: {control.label.lower()}")
            elif unusual:
                said.append(control.text)
        return said

    @property
    def refused_more(self) -> bool:
        return any(control.problems for control in self.more)


def texts_of(subject: Subject, posted: Texts, fields: Sequence[Control]) -> Texts:
    """What was typed into one row. A box that is not ticked is not sent: that is a no."""
    texts = {control.field: posted.get(control.field, "").strip() for control in fields}
    ticks = {
        control.field: "yes" if posted.get(control.field) else "no" for control in fields if control.kind == "check"
    }
    return texts | ticks


def structure(
    subject: Subject, saved: Sequence[Any], posted: Posted, fields: Sequence[Control], blanks: Sequence[UUID]
) -> list[RowForm]:
    """The saved rows, then new ones that were sent and not saved, then blank ones under the keys `blanks`."""
    forms = []
    for row in saved:
        said = {name: text for name, text in values_of(row).items() if name in {c.field for c in fields}}
        sent = posted.get(subject, row.pk)
        shown = texts_of(subject, sent, fields) if sent else said
        was = sent.get("was", "") if sent else str(Was.of(row.version, said))
        forms.append(_form(subject, row.pk, str(row), was, shown, fields, remove=bool(sent and sent.get("remove"))))
    shown_keys = {str(row.pk) for row in saved}
    blank = texts_of(subject, blank_texts(subject, fields), fields)
    for key, sent in posted.of(subject):
        texts = texts_of(subject, sent, fields)
        if key not in shown_keys and texts != blank:
            shown_keys.add(key)
            forms.append(_form(subject, read_key(key), "", sent.get("was", ""), texts, fields))
    forms += [_form(subject, key, "", "", blank, fields) for key in blanks if str(key) not in shown_keys]
    return forms


def blank_texts(subject: Subject, fields: Sequence[Control]) -> Texts:
    """What a browser sends for a row that nobody touched."""
    first = {control.field: str(control.options[0][0]) for control in fields if control.kind == "select"}
    ticked = {control.field: "" for control in fields if control.kind == "check"}
    given = DEFAULTS[subject]
    return first | ticked | {name: text for name, text in given.items() if text != "no"}


def _form(
    subject: Subject,
    key: UUID,
    title: str,
    was: str,
    texts: Mapping[str, str],
    fields: Sequence[Control],
    remove: bool = False,
) -> RowForm:
    inputs = {
        control.field: Input(
            name=f"{subject}.{key}.{control.field}",
            label=control.label,
            text=texts.get(control.field, ""),
            kind=control.kind,
            options=control.options,
            hint=control.hint,
        )
        for control in fields
    }
    main = [inputs[control.field] for control in fields if control.main]
    more = [inputs[control.field] for control in fields if not control.main]
    return RowForm(subject, key, title, was, inputs, main, more, remove)


# --- Characteristics ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class CharacteristicForm:
    """The value of one moderator for the trial or for one arm."""

    key: UUID
    moderator: str
    arm: str  # key of an arm, "" for the trial
    was: str
    input: Input

    @property
    def name(self) -> str:
        return f"{Subject.CHARACTERISTIC}.{self.key}"


def characteristics(
    moderators: Sequence[Any],
    arms: Sequence[Any],
    saved: Sequence[Any],
    posted: Posted,
    new_key: Callable[[str], UUID],
) -> list[tuple[str, list[CharacteristicForm]]]:
    """Groups of moderators: those of the trial, then those of each arm."""
    by_place = {(row.moderator.code, str(row.arm_id or "")): row for row in saved}
    sent = {
        (texts.get("moderator", ""), texts.get("arm", "")): (key, texts) for key, texts in posted.of("characteristic")
    }
    groups = []
    for title, arm in [("", ""), *((str(arm), str(arm.pk)) for arm in arms)]:
        wanted = [one for one in moderators if one.applies_to == ("arm" if arm else "trial")]
        forms = []
        for one in wanted:
            place = (one.code, arm)
            key = new_key("/".join(place))
            forms.append(_characteristic(one, arm, key, by_place.get(place), sent.get(place)))
        if forms:
            groups.append((title, forms))
    return groups


def _characteristic(
    moderator: Any, arm: str, key: UUID, row: Any | None, sent: tuple[str, Texts] | None
) -> CharacteristicForm:
    text, was = "", ""
    if row is not None:
        text, key = values_of(row)["value"], row.pk
        was = str(Was.of(row.version, {"value": text}))
    if sent is not None:
        key, text, was = read_key(sent[0]), sent[1].get("value", ""), sent[1].get("was", "")
    levels = moderator.kind == ModeratorKind.LEVEL
    options = [NOT_CHOSEN, *((level.code, level.name) for level in moderator.levels.all()), *SAID] if levels else ()
    number = moderator.kind == ModeratorKind.NUMBER
    control = Input(
        name=f"{Subject.CHARACTERISTIC}.{key}.value",
        label=f"{moderator.name}, {moderator.unit}" if moderator.unit else moderator.name,
        text=text,
        kind="select" if levels else "number" if number else "text",
        options=options,
        help=moderator.definition,
    )
    return CharacteristicForm(key, moderator.code, arm, was, control)
