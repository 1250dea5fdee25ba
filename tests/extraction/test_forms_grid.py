"""Between the boxes of a cell and the fields of an observation, there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.forms.grid import CENTRES, DETAILS, SPREADS, Kinds, is_blank, kinds_of, shown, typed

TEXTS = st.sampled_from(["", "1.20", "-3", "<0.5", "NR", "UN"])
KINDS = st.builds(
    Kinds,
    centre=st.sampled_from([value for value, _ in CENTRES]),
    spread=st.sampled_from([value for value, _ in SPREADS]),
    level=st.sampled_from(["95", "90"]),
)
ONE_NUMBER = st.tuples(
    st.sampled_from(["sd", "se", "geometric_sd", "unlabelled", "iqr"]), st.sampled_from(["1.5", "0.40", "NR"])
).map(lambda said: {"spread_kind": said[0], "spread": said[1], "spread_low": "", "spread_high": "", "spread_level": ""})
TWO_ENDS = st.tuples(st.sampled_from(["iqr", "range"]), st.sampled_from(["0.8", "-1"])).map(
    lambda said: {"spread_kind": said[0], "spread": "", "spread_low": said[1], "spread_high": "4", "spread_level": ""}
)
INTERVAL = st.sampled_from(["95", "90", "99"]).map(
    lambda level: {"spread_kind": "ci", "spread": "", "spread_low": "1", "spread_high": "2", "spread_level": level}
)
SPREAD_SAID = st.one_of(
    ONE_NUMBER,
    TWO_ENDS,
    INTERVAL,
    st.just(dict.fromkeys(["spread_kind", "spread", "spread_low", "spread_high", "spread_level"], "")),
)


@given(kinds=KINDS, n=TEXTS, centre=TEXTS, own=st.sampled_from(["mean", "median", "events"]), spread=SPREAD_SAID)
def test_what_is_saved_comes_back_from_the_boxes_of_any_block(
    kinds: Kinds, n: str, centre: str, own: str, spread: dict[str, str]
) -> None:
    values = dict.fromkeys(DETAILS, "") | {"inferred": "no", "quantity": "score", "n": n, "centre": centre, **spread}
    values["centre_kind"] = own if centre else ""
    assert typed(shown(values, kinds), kinds) == values


@pytest.mark.parametrize(
    ("kind", "first", "second", "expected"),
    [
        ("sd", "1.5", "", {"spread": "1.5"}),
        ("ci", "1", "2", {"spread_low": "1", "spread_high": "2", "spread_level": "95"}),
        ("ci", "NR", "", {"spread": "NR", "spread_level": "95"}),
        ("iqr", "1", "", {"spread_low": "1"}),  # an end is missing: the record refuses it, the form does not guess
        ("iqr_width", "4", "", {"spread": "4"}),
        ("sd", "1", "2", {"spread": "1", "spread_high": "2"}),  # typed before the kind was changed: nothing is dropped
        ("sd", "", "", {}),
    ],
)
def test_a_spread_goes_to_the_fields_of_its_kind(kind: str, first: str, second: str, expected: dict[str, str]) -> None:
    values = typed({"first": first, "second": second}, Kinds(spread=kind))
    spread = {name: text for name, text in values.items() if name.startswith("spread_") or name == "spread"}
    spread.pop("spread_kind")
    assert {name: text for name, text in spread.items() if text} == expected


def test_a_cell_in_which_nobody_typed_says_nothing() -> None:
    assert is_blank(typed({}, Kinds()))
    assert not is_blank(typed({"n": "NR"}, Kinds()))
    assert not is_blank(typed({"notes": "illegible"}, Kinds()))


def test_a_block_says_what_most_of_its_cells_say() -> None:
    cells = [typed({"centre": "1", "first": "2"}, Kinds(spread="se"))] * 2 + [
        typed({"centre": "1", "first": "2"}, Kinds())
    ]
    assert kinds_of(cells, "score", Kinds()) == Kinds(spread="se")
    assert kinds_of([], "change", Kinds(spread="ci")) == Kinds(quantity="change", spread="ci")
