"""Pages. A view reads through `visible_to`, changes through one verb, and lets refusals pass to reviewapp.errors."""
