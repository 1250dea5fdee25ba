"""The admin as one more surface: rows through `visible_to`, rights from `extraction.access`, changes through verbs.

`is_staff` opens the door and gives nothing else; Django's model permissions are not asked, and a superuser is no
exception. What a verb refuses is shown at the form, with what was typed still in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from extraction import access
from extraction.access import Act, Thing, Who
from extraction.errors import ExtractionError
from extraction.forms.plain import show_refusal
from extraction.models import Event, Membership, User

if TYPE_CHECKING:
    from django.contrib.admin.options import _ListFilterT

    Base = admin.ModelAdmin[Any]
    Form = forms.ModelForm[Any]
else:
    Base, Form = admin.ModelAdmin, forms.ModelForm

ANY_ROLE = frozenset({Who.MEMBER, Who.SELF, Who.HOLDER, Who.EXTRACTOR_OF})


def asker(request: HttpRequest) -> User:
    """Who asks; the admin's door is shut for anonymous visitors."""
    return cast(User, request.user)


def offers(request: HttpRequest, act: Act, thing: Thing) -> bool:
    """Whether any role that the user has in any review can do `act` to `thing`, whatever the row.

    It decides which lists and buttons are shown; what may be done to one row is asked of that row.
    """
    roles = _roles(request)
    for rule in access.TABLE:
        if rule.act == act and rule.thing == thing:
            wanted = rule.who.value.removeprefix("any_")
            if (roles and rule.who in ANY_ROLE) or wanted in roles:
                return True
    return False


def _roles(request: HttpRequest) -> frozenset[str]:
    found: frozenset[str] | None = getattr(request, "roles_anywhere", None)
    if found is None:
        user = asker(request)
        memberships = Membership.objects.visible_to(user).filter(user=user.pk)
        found = frozenset(role for membership in memberships for role in membership.roles)
        request.roles_anywhere = found  # type: ignore[attr-defined]
    return found


def refused(request: HttpRequest) -> ExtractionError | None:
    """What a verb said to the first try of this request; the second one only shows it."""
    return getattr(request, "refusal", None)


class VerbForm(Form):
    """A form whose values go to a verb, and which shows what the verb refused at the field it is about."""

    refusal: ClassVar[ExtractionError | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        review = getattr(self.instance, "review_id", None)
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField) and review is not None and field.queryset is not None:
                paths = getattr(field.queryset.model, "PATHS", None)
                if paths is not None and paths.review:
                    field.queryset = field.queryset.filter(**{paths.review: review})

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        show_refusal(self, self.refusal)

    def typed(self, *, changed_only: bool) -> dict[str, Any]:
        names = self.changed_data if changed_only else list(self.cleaned_data)
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}


class BlindedAdmin(Base):
    """Base of every admin of the record. Read-only unless `act_to_change` names the act that the table must allow."""

    thing: ClassVar[Thing]
    act_to_change: ClassVar[Act | None] = None
    adds: ClassVar[bool] = False
    deletes: ClassVar[bool] = False

    form = VerbForm
    formfield_overrides: ClassVar[Any] = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 3, "cols": 80})}}
    list_per_page = 100
    list_max_show_all = 200
    save_as = False

    # --- Which rows, which rights --------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = cast(Any, self.model).objects.visible_to(request.user)
        ordering = self.get_ordering(request)
        return cast("models.QuerySet[Any]", rows.order_by(*ordering) if ordering else rows)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return offers(request, Act.SEE, self.thing)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        if obj is None or obj._state.adding:
            return offers(request, Act.SEE, self.thing)
        return cast(Any, self.model).objects.visible_to(request.user).filter(pk=obj.pk).exists()  # type: ignore[no-any-return]

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.may(request, self.act_to_change, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.adds and self.may(request, self.act_to_change, None)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.deletes and self.may(request, self.act_to_change, obj)

    def may(self, request: HttpRequest, act: Act | None, obj: models.Model | None) -> bool:
        """Whether the table lets the user do `act` to this row; without a row: to any row at all."""
        if act is None:
            return False
        if obj is None or obj._state.adding:
            return offers(request, act, self.thing)
        return access.may(asker(request), act, self.thing, obj, cast(Any, self.model).PATHS)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """The list filters and nothing else: a lookup across rows would answer what may not be asked."""
        names = {getattr(item, "parameter_name", None) for item in self.list_filter}
        return lookup in names

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        return to_field == self.opts.pk.name

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField[Any] | None:
        kwargs["queryset"] = cast(Any, db_field.remote_field.model).objects.visible_to(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        wrapper = getattr(field, "widget", None)
        for link in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
            if hasattr(wrapper, link):
                setattr(wrapper, link, False)
        return field

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    # --- Saving: a verb or nothing -------------------------------------------------------------------------------

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.refusal = refused(request)  # type: ignore[attr-defined]  # a class made for this request
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ExtractionError as refusal:
            if refusal.status == 404:
                raise Http404 from refusal
            request.refusal = refusal  # type: ignore[attr-defined]
            response = super().changeform_view(request, object_id, form_url, extra_context)
            response.status_code = refusal.status
            return response

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if context.get("original") is not None:
            context |= {"title": str(context["original"]), "subtitle": None}
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        for formset in formsets:
            self.save_formset(request, form, formset, change)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        try:
            return super().delete_view(request, object_id, extra_context)
        except ExtractionError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(self.address("changelist"))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """The row alone: what hangs on it may belong to entries that the user must not see. The verb checks it."""
        return [str(obj) for obj in objs], {self.opts.verbose_name_plural: len(objs)}, set(), []

    def response_action(self, request: HttpRequest, queryset: models.QuerySet[Any], *args: Any) -> HttpResponse | None:
        try:
            return super().response_action(request, queryset, *args)
        except ExtractionError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    # --- What is told --------------------------------------------------------------------------------------------

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        raise Http404

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return self._saved(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._saved(request, obj)

    def _saved(self, request: HttpRequest, obj: Any) -> HttpResponse:
        self.message_user(request, f"Saved: {obj}", messages.SUCCESS)
        if "_addanother" in request.POST and self.has_add_permission(request):
            return HttpResponseRedirect(self.address("add"))
        if "_continue" in request.POST:
            return HttpResponseRedirect(self.address("change", obj.pk))
        return self.response_post_save_change(request, obj)

    def address(self, page: str, *args: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=args)

    # Recorded rows have one history, the events that the verbs write; Django's own log would be a second one.
    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> list[Any]:
        return []

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return None

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Mapping[str, Any] | None = None
    ) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        events = self.history_of(request, obj).select_related("actor").order_by("at", "chain", "seq")
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {self.opts.verbose_name}",
            "subtitle": str(obj),
            "events": events[: self.list_max_show_all],
            "object": obj,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/extraction/history.html", context)

    def history_of(self, request: HttpRequest, obj: Any) -> models.QuerySet[Event]:
        name = type(obj).__name__.lower()
        return Event.objects.visible_to(request.user).filter(object_type=name, object_key=str(obj.pk))


class Filter(admin.SimpleListFilter):
    """A list filter on one column of the row itself; its values come from what the user may see."""

    column: ClassVar[str]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        return queryset.filter(**{self.column: value}) if self.known(value) else queryset.none()

    def known(self, value: str) -> bool:
        return any(str(key) == value for key, _ in self.lookup_choices)

    def has_output(self) -> bool:
        """Also with one value where it was asked for, or the filter would be ignored."""
        return len(self.lookup_choices) > 1 or self.value() is not None


def by_choice(column: str, title: str, choices: Sequence[tuple[Any, str]], *, if_present: bool = False) -> _ListFilterT:
    """A filter on a column with fixed words; all of them, or those that stand in the list."""

    def lookups(self: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        offered = [(key, label) for key, label in choices if key != ""]
        if not if_present:
            return offered
        present = set(model_admin.get_queryset(request).order_by().values_list(column, flat=True).distinct())
        return [(key, label) for key, label in offered if key in present]

    return type(
        f"By{title.title().replace(' ', '')}",
        (Filter,),
        {"title": title, "parameter_name": column.replace("__", "_"), "column": column, "lookups": lookups},
    )


def by_row(column: str, title: str, model: Any) -> _ListFilterT:
    """A filter on a foreign key: the rows of `model` that the user may see and to which a row they may see belongs."""

    def lookups(self: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        used = model_admin.model.objects.visible_to(request.user).order_by().values(column)  # without its annotations
        return [(row.pk, str(row)) for row in model.objects.visible_to(request.user).filter(pk__in=used)]

    return type(
        f"By{model.__name__}",
        (Filter,),
        {"title": title, "parameter_name": column.replace("__", "_"), "column": column, "lookups": lookups},
    )
