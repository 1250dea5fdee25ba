"""Addresses of the pages on reviews, trials and entries."""

from django.urls import path

from extraction.views import approval, codebook, entry, imports, reports, review, rules, trial, work

app_name = "extraction"

urlpatterns = [
    path("", work.work, name="work"),
    path("choose-review/", work.choose_review, name="choose-review"),
    path("review/<int:pk>/", review.review, name="review"),
    path("review/<int:pk>/trials/", review.add_trials, name="add-trials"),
    path("review/<int:pk>/approve/", review.approve_many, name="approve-many"),
    path("review/<int:pk>/codebook/", codebook.codebook, name="codebook"),
    path("review/<int:pk>/rules/", rules.rules, name="rules"),
    path("review/<int:pk>/rules/new/", rules.rule_create, name="rule-create"),
    path("rule/<uuid:pk>/", rules.rule, name="rule"),
    path("rule/<uuid:pk>/change/", rules.rule_change, name="rule-change"),
    path("rule/<uuid:pk>/withdraw/", rules.rule_withdraw, name="rule-withdraw"),
    path("review/<int:pk>/template.xlsx", imports.template_workbook, name="template-workbook"),
    path("review/<int:pk>/blank-form/", imports.blank_form, name="blank-form"),
    path("trial/<int:pk>/", trial.trial, name="trial"),
    path("trial/<int:pk>/approve/", approval.trial_approve, name="trial-approve"),
    path("trial/<int:pk>/reopen/", approval.trial_reopen, name="trial-reopen"),
    path("trial/<int:pk>/conclude/", approval.trial_conclude, name="trial-conclude"),
    path("trial/<int:pk>/versions/", approval.versions, name="trial-versions"),
    path("trial/<int:pk>/assign/", review.assign_slot, name="assign"),
    path("trial/<int:pk>/unassign/", review.unassign_slot, name="unassign"),
    path("trial/<int:pk>/start/", entry.entry_start, name="entry-start"),
    path("entry/<uuid:pk>/", entry.entry, name="entry"),
    path("entry/<uuid:pk>/save/", entry.entry_save, name="entry-save"),
    path("entry/<uuid:pk>/check/", entry.entry_check, name="entry-check"),
    path("entry/<uuid:pk>/submit/", entry.entry_submit, name="entry-submit"),
    path("entry/<uuid:pk>/undo/", entry.entry_undo, name="entry-undo"),
    path("import/", imports.import_file, name="import"),
    path("import/preview/", imports.import_preview, name="import-preview"),
    path("import/apply/", imports.import_apply, name="import-apply"),
    path("report/at/", reports.at, name="report-at"),
    path("report/add/<int:pk>/", reports.add, name="report-add"),
    path("report/<uuid:pk>/", reports.report, name="report"),
    path("report/<uuid:pk>/file/", reports.file, name="report-file"),
    path("report/<uuid:pk>/replace/", reports.replace, name="report-replace"),
    path("report/<uuid:pk>/withdraw/", reports.withdraw, name="report-withdraw"),
]
