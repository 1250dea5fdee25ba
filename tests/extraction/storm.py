"""A review in which everybody does everything at one moment: the acts, and how they are let loose."""

from __future__ import annotations

import io
import os
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import uuid4

from analysis import setup as analysis_setup
from analysis.models import Synthesis
from analysis.recompute import recompute
from analysis.specification import Measure
from extraction import (
    adjudicate,
    approve,
    assign,
    define,
    enter,
    invite,
    matching,
    proposals,
    questions,
    reconcile,
    reports,
    rules,
    setup,
)
from extraction.bring_in import MERGE, NEW, REPORT, bring_in_references
from extraction.decisions import Decision
from extraction.documents import received
from extraction.enter import Change
from extraction.errors import ExtractionError
from extraction.finding import drop_search, save_search
from extraction.looked_over import look_over
from extraction.models import (
    Discrepancy,
    Entry,
    Invitation,
    Marker,
    Match,
    Membership,
    Outcome,
    Proposal,
    Question,
    Report,
    Review,
    Rule,
    Trial,
    User,
)
from extraction.models.plain import rows_of
from extraction.protocols.start import drop_template, save_template
from extraction.record import Subject
from extraction.references import Reference
from extraction.states import Status
from extraction.workbook import importing
from tests.factories import PASSWORD, MarkerFactory, ReviewFactory, TrialFactory, made, member, small_changes, trial_at
from tests.papers import pdf, uploaded
from tests.race import together

FIRST = int(os.environ.get("STORM", "0"))  # another number, another storm
ACTS = 30  # of each person, in a round
OF_EXTRACTORS = {
    "fill", "save", "keep", "import", "submit", "undo_submit", "propose", "ask", "answer", "upload", "withdraw_report",
    "replace_report",
}  # fmt: skip
FILE = b"trial,arm,n,marker,unit,weeks,mean,sd\n{label},Training,14,IL-6,pg/mL,12,5.25,1.1\n"


class Storm:
    """A review with a trial in every state, and acts that pick whatever stands there just then."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.review: Review = made(ReviewFactory)
        self.leads = [member(self.review, "lead", "adjudicator") for _ in range(2)]
        self.extractors = [member(self.review, "extractor") for _ in range(4)]
        for code in ("IL-6", "CRP"):
            MarkerFactory.create(review=self.review, code=code)
        for number in range(3):
            made(TrialFactory, review=self.review, slots={"A": self.extractors[number], "B": self.extractors[3]})
        made(TrialFactory, review=self.review, slots={"A": self.extractors[0]})
        for status in (Status.ALIGNING, Status.ADJUDICATING, Status.AGREED, Status.APPROVED):
            slots = dict(zip("AB", self.random.sample(self.extractors, 2), strict=True))
            trial_at(status, self.review, decider=self.leads[0], slots=slots, marker="IL-6")
        self.acts: Mapping[str, Callable[[User], Any]] = {
            name.removeprefix("do_"): getattr(self, name) for name in dir(self) if name.startswith("do_")
        }

    def acts_of(self, user: User) -> list[str]:
        return [name for name in self.acts if (name in OF_EXTRACTORS) == (user in self.extractors)]

    def any(self, rows: Any) -> Any:
        found = list(rows)
        if not found:
            raise ExtractionError("nothing there")
        return self.random.choice(found)

    def trial(self) -> Trial:
        found: Trial = self.any(Trial.objects.filter(review=self.review))
        return found

    def draft(self, by: User) -> Entry:
        found: Entry = self.any(Entry.objects.filter(holder=by, state="draft").exclude(slot="FINAL"))
        return found

    # --- Extractors

    def do_fill(self, by: User) -> None:
        entry = enter.start(self.any(Trial.objects.filter(assignments__user=by)).pk, by=by)
        centre = {"treated": {"centre": self.random.choice(["-2.1", "2.1"])}}
        marker = self.random.choice(["IL-6", "CRP", ""])
        enter.save(entry.pk, small_changes(marker=marker, cells=centre), by=by)

    def do_save(self, by: User) -> None:
        row = self.any(Outcome.objects.filter(entry=self.draft(by)))
        values = {"marker": self.any(Marker.objects.filter(review=self.review)).code}
        enter.save(row.entry_id, [Change(Subject.OUTCOME, row.pk, row.version, values)], by=by)

    def do_keep(self, by: User) -> None:
        entry = self.draft(by)
        warned = self.any(one.finding for one in look_over(entry, rows_of(entry), by) if not one.is_error)
        enter.keep(entry.pk, warned.code, warned.row, "As printed", digest=warned.digest, by=by)

    def do_import(self, by: User) -> None:
        trial = self.any(Trial.objects.filter(assignments__user=by))
        file = FILE.replace(b"{label}", trial.label.encode())
        importing.apply("observations.csv", file, review_id=self.review.pk, by=by)

    def do_submit(self, by: User) -> None:
        enter.submit(self.draft(by).pk, by=by)

    def do_undo_submit(self, by: User) -> None:
        enter.undo_submit(self.any(Entry.objects.filter(holder=by, state="submitted")).pk, by=by)

    def do_propose(self, by: User) -> None:
        proposals.propose(self.draft(by).pk, by=by)

    def do_ask(self, by: User) -> None:
        questions.ask_leads(self.draft(by).pk, "Which table?", by=by)

    def do_answer(self, by: User) -> None:
        questions.answer(self.any(Question.objects.filter(trial__review=self.review)).pk, "Table 2", by=by)

    def do_upload(self, by: User) -> None:
        uploaded(self.trial(), by)

    def do_replace_report(self, by: User) -> None:
        report = self.any(Report.objects.filter(trial__review=self.review))
        with received(io.BytesIO(pdf("Table 3")), "paper.pdf") as document:
            reports.replace(report.pk, document, by=by)

    def do_withdraw_report(self, by: User) -> None:
        reports.withdraw(self.any(Report.objects.filter(trial__review=self.review)).pk, "wrong paper", by=by)

    # --- Adjudicators

    def do_confirm(self, by: User) -> None:
        matching.confirm(self.any(Match.objects.filter(trial__review=self.review)).pk, by=by)

    def do_confirm_many(self, by: User) -> None:
        trial = self.trial()
        waiting = Match.objects.filter(trial=trial, state="proposed")
        matching.confirm_many(trial.pk, [match.pk for match in waiting], by=by)

    def do_part(self, by: User) -> None:
        matching.part(self.any(Match.objects.filter(trial__review=self.review)).pk, by=by)

    def do_pair(self, by: User) -> None:
        match = self.any(Match.objects.filter(trial__review=self.review).prefetch_related("rows"))
        sides = {side: [row.row for row in match.rows.all() if row.side == side] for side in "AB"}
        matching.pair(match.trial_id, match.subject, sides["A"], self.random.choice([sides["B"], []]), by=by)

    def do_undo_match(self, by: User) -> None:
        matching.undo(self.trial().pk, by=by)

    def do_conclude(self, by: User) -> None:
        reconcile.conclude(self.trial().pk, by=by)

    def do_resolve_what_may_be_old(self, by: User) -> None:
        old = self.any(Discrepancy.objects.filter(trial__review=self.review))
        reconcile.resolve(old.pk, self.decision(), by=by)

    def do_claim(self, by: User) -> None:
        adjudicate.claim(self.open().pk, by=by)

    def do_ask_both(self, by: User) -> None:
        questions.ask_extractors(self.open().pk, "Which page?", by=by)

    def do_resolve(self, by: User) -> None:
        reconcile.resolve(self.open().pk, self.decision(), by=by)

    def do_resolve_many(self, by: User) -> None:
        rows = Discrepancy.objects.filter(trial__review=self.review).unresolved()
        reconcile.resolve_many([row.pk for row in rows], self.decision(), by=by)

    def do_undo_decision(self, by: User) -> None:
        decided = Discrepancy.objects.filter(trial__review=self.review, state="decided")
        adjudicate.undo(self.any(decided).pk, by=by)

    def do_return(self, by: User) -> None:
        reconcile.return_to_extractors(self.trial().pk, ["A"], "Table 2, please", by=by)

    def do_approve(self, by: User) -> None:
        approve.approve(self.trial().pk, by=by)

    def do_reopen(self, by: User) -> None:
        approve.reopen(self.trial().pk, "erratum", by=by)

    def open(self) -> Discrepancy:
        found: Discrepancy = self.any(Discrepancy.objects.filter(trial__review=self.review).unresolved())
        return found

    def decision(self) -> Decision:
        return Decision(self.random.choice("AB"), "misread")

    # --- Leads

    def do_define(self, by: User) -> None:
        define.put(Marker, self.review.pk, {"code": f"M{uuid4().hex[:6]}", "name": "Marker", "direction": -1}, by=by)

    def do_redefine(self, by: User) -> None:
        values = {"name": f"Name {self.random.randrange(99)}"}
        define.put(Marker, self.review.pk, values, by=by, pk=self.any(Marker.objects.filter(review=self.review)).pk)

    def do_drop(self, by: User) -> None:
        define.drop(Marker, self.any(Marker.objects.filter(review=self.review)).pk, by=by)

    def do_place(self, by: User) -> None:
        proposal = self.any(Proposal.objects.filter(trial__review=self.review))
        proposals.place(proposal.pk, by=by, code=self.any(Marker.objects.filter(review=self.review)).code)

    def do_rule(self, by: User) -> None:
        taught = self.any(Discrepancy.objects.filter(trial__review=self.review, state="decided"))
        values = {"text": f"Take the ITT n {uuid4().hex[:6]}"}
        rules.make_rule(self.review.pk, values, by=by, origin=taught.pk)

    def do_change_rule(self, by: User) -> None:
        rule = self.any(Rule.objects.filter(review=self.review, current=True))
        rules.change_rule(rule.pk, {"text": f"Take n {uuid4().hex[:6]}"}, by=by)

    def do_assign_evenly(self, by: User) -> None:
        assign.assign_evenly(self.review.pk, [one.pk for one in self.extractors], by=by)

    def do_assign(self, by: User) -> None:
        assign.assign(self.trial().pk, self.random.choice("AB"), self.any(self.extractors).pk, by=by)

    def do_hand_over(self, by: User) -> None:
        assign.hand_over(self.trial().pk, self.random.choice("AB"), self.any(self.extractors).pk, "left", by=by)

    def do_unassign(self, by: User) -> None:
        assign.unassign(self.trial().pk, self.random.choice("AB"), by=by)

    def do_exclude(self, by: User) -> None:
        setup.exclude_trial(self.trial().pk, "not randomised", by=by)

    def do_include(self, by: User) -> None:
        setup.include_trial(self.any(Trial.objects.filter(review=self.review, excluded_at__isnull=False)).pk, by=by)

    def do_change_trial(self, by: User) -> None:
        setup.change_trial(self.trial().pk, {"year": str(self.random.randrange(1990, 2026))}, by=by)

    def do_add_trials(self, by: User) -> None:
        setup.add_trials(self.review.pk, [{"label": f"Trial {uuid4().hex[:6]}"}], by=by)

    def do_bring_in(self, by: User) -> None:
        reference = Reference(place="reference 1", authors=("Kim, A",), year=2015, title=f"A trial {uuid4().hex[:6]}")
        known = self.trial()
        decided = [(reference, NEW, None), (reference, MERGE, known.pk), (reference, REPORT, self.trial().pk)]
        bring_in_references(self.review.pk, decided, by=by)

    def do_settings(self, by: User) -> None:
        setup.change_review(self.review.pk, {"question": f"Does it work {self.random.randrange(9)}?"}, by=by)

    def do_roles(self, by: User) -> None:
        someone = self.any(Membership.objects.filter(review=self.review, extractor=True)).user
        setup.set_member(
            self.review.pk, someone.pk, self.random.choice([["extractor"], ["extractor", "reader"]]), by=by
        )

    def do_search(self, by: User) -> None:
        drop_search(save_search(self.review.pk, self.random.choice("xyz"), "state=entering", by=by).pk, by=by)

    def do_invite(self, by: User) -> None:
        invite.invite(self.review.pk, ["extractor"], by=by)

    def do_withdraw_invitation(self, by: User) -> None:
        invite.withdraw_invitation(self.any(Invitation.objects.filter(review=self.review)).pk, by=by)

    def do_join(self, by: User) -> None:
        _, secret = invite.invite(self.review.pk, ["extractor"], by=by)
        name = f"p{uuid4().hex[:8]}"
        invite.join_with_new_account(secret, username=name, full_name=name, email="", password=PASSWORD)

    def do_join_once_more(self, by: User) -> None:
        _, secret = invite.invite(self.review.pk, ["reader"], by=by)
        invite.join(secret, by=self.any(self.extractors))

    def do_password_link(self, by: User) -> None:
        invite.password_link(self.review.pk, self.any(self.extractors).pk, by=by)

    def do_remove_member(self, by: User) -> None:
        someone = Membership.objects.filter(review=self.review).exclude(user__in=[*self.leads, *self.extractors])
        setup.remove_member(self.review.pk, self.any(someone).user_id, by=by)

    def do_withdraw_rule(self, by: User) -> None:
        rules.withdraw_rule(self.any(Rule.objects.filter(review=self.review, current=True)).pk, "superseded", by=by)

    def do_template(self, by: User) -> None:
        drop_template(save_template(self.review.pk, f"Ours {uuid4().hex[:6]}", by=by).pk, by=by)

    def do_primary(self, by: User) -> None:
        analysis_setup.set_primary(self.any(Synthesis.objects.filter(review=self.review)).pk, by=by)

    def do_change_synthesis(self, by: User) -> None:
        one = self.any(Synthesis.objects.filter(review=self.review))
        analysis_setup.change_synthesis(one.pk, {"position": self.random.randrange(9)}, by=by)

    def do_synthesis(self, by: User) -> None:
        values = {"name": f"All {uuid4().hex[:6]}", "measure": Measure.CHANGE_G}
        analysis_setup.create_synthesis(self.review.pk, values, by=by)

    def do_usual_syntheses(self, by: User) -> None:
        analysis_setup.create_default_syntheses(self.review.pk, by=by, measure=Measure.CHANGE_G)

    def do_ask_to_recompute(self, by: User) -> None:
        analysis_setup.request_recompute(self.review.pk, by=by)

    def do_recompute(self, by: User) -> None:
        recompute(self.review.pk)


def raging(storm: Storm) -> Counter[str]:
    """What was done, by name; what an act met that is no refusal is an error of the test."""

    def act(user: User) -> Counter[str]:
        done: Counter[str] = Counter()
        for name in storm.random.choices(storm.acts_of(user), k=ACTS):
            with suppress(ExtractionError):  # refused, or nothing there to do it to
                storm.acts[name](user)
                done[name] += 1
        return done

    people = [*storm.extractors, *storm.leads * 2]  # a lead has two tabs
    return sum(together(*(partial(act, user) for user in people)), Counter())
