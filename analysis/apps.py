from django.apps import AppConfig


class AnalysisConfig(AppConfig):
    name = "analysis"
    verbose_name = "Analysis"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from analysis import derive, receivers  # noqa: F401  connects the one receiver
        from extraction.beside import derives

        derives(derive.beside)
