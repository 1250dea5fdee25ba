"""A report gets its PDF and a random key. No verb has made a report before, so the table is made anew."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("extraction", "0002_vocabulary_ranges_and_templates")]

    operations = [
        migrations.DeleteModel("Report"),
        migrations.CreateModel(
            name="Report",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("citation", models.TextField(help_text="What it is: the reference, or “Supplement 1”.")),
                ("doi", models.CharField(blank=True, max_length=200, verbose_name="DOI")),
                ("pmid", models.CharField(blank=True, max_length=20, verbose_name="PMID")),
                (
                    "file_name",
                    models.CharField(
                        editable=False, help_text="As it was uploaded; for the eye alone.", max_length=100
                    ),
                ),
                (
                    "stored_as",
                    models.CharField(
                        editable=False, help_text="Random; in the data folder.", max_length=32, unique=True
                    ),
                ),
                ("size", models.PositiveBigIntegerField(editable=False, help_text="Bytes.")),
                ("digest", models.CharField(editable=False, help_text="SHA-256 of the file.", max_length=64)),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1, editable=False, help_text="Counts the files: 2 after a new one."
                    ),
                ),
                ("uploaded_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("withdrawn_at", models.DateTimeField(editable=False, null=True)),
                ("withdrawal_reason", models.CharField(blank=True, editable=False, max_length=300)),
                (
                    "entry",
                    models.ForeignKey(
                        editable=False,
                        help_text="Of the extractor who uploaded it; empty: a lead did, for both.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reports",
                        to="extraction.entry",
                    ),
                ),
                (
                    "trial",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reports", to="extraction.trial"
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["uploaded_at", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("citation", ""), _negated=True), name="report_says_what_it_is"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("withdrawn_at__isnull", True),
                            models.Q(("withdrawal_reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="report_withdrawal_has_a_reason",
                    ),
                ],
            },
        ),
    ]
