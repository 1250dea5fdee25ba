"""Reports as the API shows them. Files are uploaded and opened on the pages."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from extraction.api.filters import ReportFilter
from extraction.api.strict import ModelSerializer
from extraction.api.views import Surface, reading
from extraction.models import Report


class ReportSerializer(ModelSerializer):
    """A publication about a trial and the PDF attached to it."""

    uploaded_by = serializers.CharField(source="uploaded_by.username")
    from_extractor = serializers.SerializerMethodField(
        help_text="Uploaded by an extractor: not shown to the other one while the trial is being entered."
    )
    file = serializers.SerializerMethodField(help_text="Where the PDF is, for who is signed in.")

    class Meta:
        model = Report
        fields = (
            "id", "trial", "citation", "doi", "pmid", "from_extractor", "file", "file_name", "size", "digest",
            "version", "uploaded_by", "uploaded_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_from_extractor(self, report: Report) -> bool:
        return report.entry_id is not None

    @extend_schema_field(serializers.CharField())
    def get_file(self, report: Report) -> str:
        return str(reverse("extraction:report-file", args=[report.pk]))


@reading(ReportSerializer)
class ReportViewSet(Surface):
    """Reports that the caller may see."""

    serializer_class = ReportSerializer
    filterset_class = ReportFilter
    lookup_value_converter = "uuid"
    queryset = Report.objects.none()

    def get_queryset(self) -> QuerySet[Report]:
        found: QuerySet[Report] = Report.objects.visible_to(self.me).standing().select_related("uploaded_by")
        return found.order_by("trial__label_key", "uploaded_at", "pk")
