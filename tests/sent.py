"""What a browser would send for a form as it is shown, no button pressed."""

from __future__ import annotations

from html.parser import HTMLParser


class SentForm(HTMLParser):
    """Reads the controls of the form that has the attribute `marked`, or of the whole page."""

    def __init__(self, marked: str = "") -> None:
        super().__init__()
        self.marked = marked
        self.reading = not marked
        self.values: dict[str, str] = {}
        self.select = ""
        self.area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: text or "" for name, text in attrs}
        if tag == "form" and self.marked:
            self.reading = self.marked in given
        name = given.get("name", "")
        if not self.reading:
            return
        if tag == "option" and self.select:
            if "selected" in given or self.select not in self.values:
                self.values[self.select] = given.get("value", "")
        elif not name:
            return
        elif tag == "select":
            self.select = name
        elif tag == "textarea":
            self.area, self.values[name] = name, ""
        elif tag == "input" and (given.get("type") not in {"checkbox", "radio"} or "checked" in given):
            self.values[name] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self.area:
            self.values[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = ""
        elif tag == "textarea" and self.area:
            self.values[self.area] = self.values[self.area].removeprefix("\n")
            self.area = ""


def sent(page: str, marked: str = "") -> dict[str, str]:
    form = SentForm(marked)
    form.feed(page)
    return form.values
