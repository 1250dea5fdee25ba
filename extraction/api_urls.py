"""Addresses of the API, under /api/."""

from rest_framework.routers import SimpleRouter

from extraction.api import register

router = SimpleRouter(use_regex_path=False)
register(router)
urlpatterns = router.urls
