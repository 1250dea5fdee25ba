"""Addresses of the API on results, under /api/."""

from rest_framework.routers import SimpleRouter

from analysis.api import register

router = SimpleRouter(use_regex_path=False)
register(router)
urlpatterns = router.urls
