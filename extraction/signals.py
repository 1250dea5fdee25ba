"""The one way in which extraction tells that the pooled data changed; `analysis.receivers` listens."""

from django.dispatch import Signal

# Sent by the verbs inside their transaction, with `review_id`. Receivers must not fail and must not wait.
pooled_data_changed = Signal()
