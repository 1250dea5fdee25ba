"""The form of a synthesis: choices of its review's vocabulary, values for the verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from analysis.models import Synthesis
from analysis.specification import Measure
from extraction.access import Viewer
from extraction.errors import InvalidValues
from extraction.models import Intervention, Marker, Moderator, ModeratorLevel, OutcomeClass, Review
from extraction.record import ModeratorKind

if TYPE_CHECKING:
    Base = forms.ModelForm[Synthesis]
else:
    Base = forms.ModelForm

LISTS = {"interventions": Intervention, "outcome_classes": OutcomeClass, "markers": Marker}
LEVEL = "level:"  # before a moderator's code: the name of the field of its levels


class SynthesisForm(Base):
    """`values` is what `analysis.setup` takes; the filters are one field per list of the vocabulary."""

    class Meta:
        model = Synthesis
        fields = ("name", "group", "measure", "window", "model", "rho", "imputed_r", "level", "moderator")

    def __init__(self, *args: Any, review: Review, by: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filter_names: list[str] = []
        said = self.instance.filters if self.instance.pk else {}
        for name, model in LISTS.items():
            terms = model.objects.visible_to(by).filter(review=review)
            self._add_filter(name, name.replace("_", " ").capitalize(), terms, said.get(name, []))
        moderators = list(Moderator.objects.visible_to(by).filter(review=review))
        levels = list(ModeratorLevel.objects.visible_to(by).filter(moderator__review=review))
        for moderator in moderators:
            own = [level for level in levels if level.moderator_id == moderator.pk]
            if own:
                chosen = said.get("levels", {}).get(moderator.code, [])
                self._add_filter(f"{LEVEL}{moderator.code}", moderator.name, own, chosen)
        usable = [one for one in moderators if one.kind != ModeratorKind.TEXT]
        self.by_key = {str(one.pk): one for one in usable}
        self.fields["moderator"] = forms.ChoiceField(
            choices=[("", "None"), *((str(one.pk), one.name) for one in usable)],
            required=False,
            help_text=self.fields["moderator"].help_text,
        )
        for field in self.fields.values():
            kind = "form-select" if isinstance(field.widget, forms.Select) else "form-control"
            field.widget.attrs["class"] = kind

    def _add_filter(self, name: str, label: str, terms: Any, chosen: list[str]) -> None:
        choices = [(term.code, term.name) for term in terms]
        if choices:
            self.fields[name] = forms.MultipleChoiceField(choices=choices, required=False, label=label, initial=chosen)
            self.filter_names.append(name)

    def clean_moderator(self) -> Moderator | None:
        return self.by_key.get(self.cleaned_data["moderator"])

    @property
    def filters(self) -> list[forms.BoundField]:
        return [self[name] for name in self.filter_names]

    @property
    def values(self) -> dict[str, Any]:
        chosen = {name: self.cleaned_data[name] for name in self.filter_names if self.cleaned_data[name]}
        filters: dict[str, Any] = {name: codes for name, codes in chosen.items() if name in LISTS}
        levels = {name.removeprefix(LEVEL): codes for name, codes in chosen.items() if name not in LISTS}
        if levels:
            filters["levels"] = levels
        return {**{name: self.cleaned_data[name] for name in self.Meta.fields}, "filters": filters}

    def show(self, refusal: InvalidValues) -> None:
        """Put what the verb refused beside the field that it is about."""
        for problem in refusal.problems:
            known = problem.field in self.fields
            self.add_error(problem.field if known else None, f"{problem.seen} {problem.message}".strip())


class DefaultsForm(forms.Form):
    measure = forms.ChoiceField(choices=Measure.choices)
