"""All addresses: pages by app, the API under /api/, the admin, accounts, health."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.authtoken.models import TokenProxy

from reviewapp import health
from reviewapp.tokens import ObtainToken

# Its pages show everybody's token to a superuser, who would read through them what blinding keeps from him.
admin.site.unregister(TokenProxy)

urlpatterns = [
    path("", include("extraction.urls")),
    path("", include("analysis.urls")),
    path("api/", include("extraction.api_urls")),
    path("api/", include("analysis.api_urls")),
    path("accounts/login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("api/token/", ObtainToken.as_view(), name="api-token"),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("admin/", admin.site.urls),
    path("healthz", health.ready, name="healthz"),
    path("healthz/alive", health.alive, name="healthz-alive"),
]

handler400 = "reviewapp.errors.bad_request"
handler403 = "reviewapp.errors.permission_denied"
handler404 = "reviewapp.errors.page_not_found"
handler500 = "reviewapp.errors.server_error"
