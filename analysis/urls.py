"""Addresses of the pages on results."""

from django.urls import path

from analysis import views
from analysis.exports.page import export

app_name = "analysis"

urlpatterns = [
    path("review/<int:pk>/results/", views.results, name="results"),
    path("review/<int:pk>/results/freshness/", views.freshness, name="freshness"),
    path("review/<int:pk>/results/recompute/", views.recompute, name="recompute"),
    path("review/<int:pk>/agreement/", views.agreement, name="agreement"),
    path("review/<int:pk>/export.xlsx", export, name="export"),
    path("review/<int:pk>/syntheses/", views.synthesis_create, name="synthesis-create"),
    path("review/<int:pk>/syntheses/usual/", views.create_defaults, name="synthesis-defaults"),
    path("synthesis/<int:pk>/", views.synthesis, name="synthesis"),
    path("synthesis/<int:pk>/change/", views.synthesis_change, name="synthesis-change"),
    path("synthesis/<int:pk>/primary/", views.make_primary, name="synthesis-primary"),
    path("trial/<int:pk>/approve/preview/", views.approval_preview, name="approval-preview"),
    path("number/<slug:subject>/<uuid:pk>/<slug:field>/", views.number, name="number"),
    path("discrepancy/<uuid:pk>/choice/", views.choice, name="choice"),
    path("effect/<uuid:pk>/", views.effect, name="effect"),
]
