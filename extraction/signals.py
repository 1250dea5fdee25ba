"""The one way in which extraction tells that the pooled data changed; `analysis.receivers` listens."""

from django.dispatch import Signal

# Sent by the verbs inside their transaction, with `review_id`. Receivers must not fail and must not wait.
pooled_data_changed = Signal()

# Sent when a review was made from a set-up, with `review_id`, `by` and `syntheses` (as the set-up file holds them).
set_up_brought_in = Signal()
