"""The administration: where adjudicators and leads work. One module per part; all of it goes through
`extraction.admin.blinded`, which asks `visible_to` for rows, `extraction.access` for rights, and verbs for changes.
"""

from extraction.admin import (
    discrepancies,
    entries,
    history,
    matches,
    people,
    site,
    trials,
    vocabulary,
)

__all__ = ["discrepancies", "entries", "history", "matches", "people", "site", "trials", "vocabulary"]
