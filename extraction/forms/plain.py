"""The look of a plain form, and how it shows what a verb refused. Rendered by extraction/_fields.html."""

from __future__ import annotations

from typing import Any

from django import forms

from extraction.errors import ExtractionError, InvalidValues

BOXES = (forms.CheckboxInput, forms.CheckboxSelectMultiple, forms.RadioSelect)


def show_refusal(form: forms.BaseForm, refusal: ExtractionError | None) -> None:
    """What the verb refused, at the field that it is about."""
    if isinstance(refusal, InvalidValues):
        for problem in refusal.problems:
            known = problem.field in form.fields
            form.add_error(problem.field if known else None, problem.message if known else str(refusal))
    elif refusal is not None:
        form.add_error(None, str(refusal))


class PlainForm(forms.Form):
    """Labels above, help below, problems in words under the field they are about."""

    def show(self, refusal: ExtractionError) -> None:
        show_refusal(self, refusal)

    def rows(self) -> list[dict[str, Any]]:
        """Each field as the template shows it."""
        return [self._row(field) for field in self.visible_fields()]

    def _row(self, field: forms.BoundField) -> dict[str, Any]:
        widget = field.field.widget
        many = isinstance(widget, forms.CheckboxSelectMultiple | forms.RadioSelect)
        kind = "form-select" if isinstance(widget, forms.Select) and not many else "form-control"
        css = "form-check-input" if isinstance(widget, BOXES) else kind
        attrs: dict[str, str | bool] = {"class": f"{css} is-invalid" if field.errors else css}
        told = [f"{field.id_for_label or field.html_name}-{part}" for part in ("help", "problem")]
        shown = [told[0]] * bool(field.help_text) + [told[1]] * bool(field.errors)
        if shown and not many:
            attrs |= {"aria-describedby": " ".join(shown)}
        if field.errors and not many:
            attrs |= {"aria-invalid": "true"}
        return {
            "field": field,
            "box": isinstance(widget, forms.CheckboxInput),
            "many": many,
            "input": field.as_widget(attrs=attrs),
            "choices": list(field.subwidgets) if many else [],
            "help": told[0],
            "problem": told[1],
        }
