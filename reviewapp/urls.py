"""All addresses: pages by app, the API under /api/, the admin, accounts, health."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.authtoken.models import TokenProxy

from reviewapp import accounts, health
from reviewapp.tokens import ObtainToken

# Its pages show everybody's token to a superuser, who would read through them what blinding keeps from him.
admin.site.unregister(TokenProxy)

urlpatterns = [
    path("", include("extraction.urls")),
    path("", include("analysis.urls")),
    path("api/", include("extraction.api_urls")),
    path("api/", include("analysis.api_urls")),
    path("accounts/login/", accounts.SignIn.as_view(), name="login"),
    path("accounts/", accounts.account, name="account"),
    path("accounts/password/", accounts.PasswordChange.as_view(), name="password-change"),
    path("accounts/token/", accounts.token_make, name="token-make"),
    path("accounts/token/revoke/", accounts.token_revoke, name="token-revoke"),
    path("accounts/reset/", accounts.PasswordReset.as_view(), name="password-reset"),
    path("accounts/reset/sent/", accounts.PasswordResetSent.as_view(), name="password-reset-sent"),
    path(
        "accounts/reset/<str:uidb64>/<str:token>/",
        accounts.PasswordResetConfirm.as_view(),
        name="password-reset-confirm",
    ),
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
