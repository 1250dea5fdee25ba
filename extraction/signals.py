"""What extraction tells to, and asks of, an application that it does not know; `analysis.receivers` listens."""

from django.dispatch import Signal

# Sent by the verbs inside their transaction, with `review_id`. Receivers must not fail and must not wait.
pooled_data_changed = Signal()

# Asked by the adjudicator's queue, with `review_id` and `discrepancies` that the asker may see. A receiver gives
# `extraction.desk.Impact` by key; what a person may not know before they decide, it leaves out.
impact_asked = Signal()
