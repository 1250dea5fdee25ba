"""The form of a decision in the administration: the page's fields on a row that nothing of the form is a column of."""

from __future__ import annotations

from typing import Any

from extraction.admin.blinded import VerbForm
from extraction.forms.decision import DecisionFields
from extraction.forms.plain import show_refusal
from extraction.models import Discrepancy


class DecisionForm(DecisionFields, VerbForm):
    class Meta:
        model = Discrepancy
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fit(self.instance)

    def _post_clean(self) -> None:
        """The verb reads and checks; nothing of this form is a column of the discrepancy."""
        show_refusal(self, self.refusal)
