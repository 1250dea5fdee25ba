"""What the signed-in person is in the review they look at: the menu and the pages' choice of review follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.http import HttpRequest
from django.urls import reverse

from extraction.access import Role, Viewer
from extraction.models import Membership, Review

CHOSEN = "review"  # key in the session
ENTERING_PAGES = (
    "extraction:entry",
    "extraction:entry-save",
    "extraction:entry-check",
    "extraction:import",
    "extraction:import-preview",
)
DECIDING_PAGES = ("extraction:decide-together", "extraction:resolve", "extraction:undo-decision")
SETUP_PAGES = (
    "extraction:people",
    "extraction:references",
    "extraction:settings",
    "extraction:member-add",
    "extraction:member-password",
    "extraction:invitation-make",
    "extraction:references-apply",
    "extraction:template-save",
)
RESULT_PAGES = (
    "analysis:synthesis",
    "analysis:synthesis-create",
    "analysis:synthesis-change",
    "analysis:effect",
    "analysis:agreement",
)


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    address: str
    here: bool


@dataclass(frozen=True)
class Standing:
    """One person, their memberships, and the one that counts on this page (None: member of no review)."""

    user: Viewer
    memberships: Sequence[Membership]
    membership: Membership | None
    view_name: str = ""  # of the page that is shown

    @classmethod
    def of(cls, request: HttpRequest, review: Review | int | None = None) -> Standing:
        """The standing in `review`; else in the review chosen before; else in the first. One query per request."""
        memberships = _memberships(request)
        wanted = review.pk if isinstance(review, Review) else review
        by_review: dict[object, Membership] = {one.review_id: one for one in memberships}
        membership = by_review.get(wanted) or by_review.get(request.session.get(CHOSEN))
        match = request.resolver_match
        return cls(
            user=request.user,
            memberships=memberships,
            membership=membership or next(iter(memberships), None),
            view_name=match.view_name if match else "",
        )

    @property
    def review(self) -> Review | None:
        return self.membership.review if self.membership else None

    @property
    def other_reviews(self) -> list[Review]:
        return [one.review for one in self.memberships if one is not self.membership]

    @cached_property
    def roles(self) -> frozenset[str]:
        return frozenset(self.membership.roles) if self.membership else frozenset()

    @property
    def roles_in_words(self) -> str:
        words = [role.label for role in Role if role.value in self.roles]
        return ", ".join(words) if words else "Member of no review"

    @property
    def extracts(self) -> bool:
        return Role.EXTRACTOR in self.roles

    @property
    def leads(self) -> bool:
        return Role.LEAD in self.roles

    @property
    def decides(self) -> bool:
        return bool(self.roles & {Role.ADJUDICATOR, Role.LEAD})

    @property
    def reads_results(self) -> bool:
        return bool(self.roles & {Role.ADJUDICATOR, Role.LEAD, Role.READER})

    @property
    def opens_admin(self) -> bool:
        return self.decides and self.user.is_staff

    @property
    def initials(self) -> str:
        words = str(self.user).split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"

    @property
    def links(self) -> list[Link]:
        """The menu: only what this person may open."""
        if self.review is None:
            return []
        review = self.review.pk
        links = [self._link("My work", "extraction:work", also=ENTERING_PAGES)]
        if self.reads_results:
            links.append(self._link("Trials", "extraction:review", review, also=("extraction:trial",)))
        if self.leads:
            links.append(self._link("Progress", "extraction:dashboard", review))
        if self.decides:
            links.append(self._link("Queue", "extraction:decide", review, also=DECIDING_PAGES))
        if self.reads_results:
            links.append(self._link("Results", "analysis:results", review, also=RESULT_PAGES))
            links.append(self._link("Export", "analysis:export", review))  # a file, not a page
        links.append(self._link("Codebook", "extraction:codebook", review))
        if self.leads:
            links.append(self._link("Set up", "extraction:setup", review, also=SETUP_PAGES))
        return links

    def _link(self, name: str, view_name: str, *args: int, also: Sequence[str] = ()) -> Link:
        return Link(name, reverse(view_name, args=args), here=self.view_name in (view_name, *also))


def _memberships(request: HttpRequest) -> list[Membership]:
    if not request.user.is_authenticated:
        return []
    known: list[Membership] | None = getattr(request, "_memberships", None)
    if known is None:
        known = list(
            Membership.objects.visible_to(request.user)
            .filter(user=request.user)
            .select_related("review")
            .order_by("review__title")
        )
        request._memberships = known  # type: ignore[attr-defined]
    return known
