"""Reviews, members, assignments, accounts."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from extraction import access
from extraction.access import Act, Role, Thing
from extraction.admin.blinded import BlindedAdmin, VerbForm, asker, by_choice, by_row
from extraction.assign import assign, unassign
from extraction.forms.plain import show_refusal
from extraction.models import Assignment, Membership, Review, Slot, Trial, User
from extraction.setup import REVIEW_FIELDS, account_called, change_review, create_review, remove_member, set_member
from extraction.states import Status


@admin.register(Review)
class ReviewAdmin(BlindedAdmin):
    thing = Thing.REVIEW
    act_to_change = Act.MANAGE
    list_display = ("title", "codebook_version")
    search_fields = ("title",)
    readonly_fields = ("codebook_version",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*REVIEW_FIELDS, "codebook_version") if obj else ("title", "question")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Staff make reviews, and lead what they make."""
        return asker(request).is_staff

    def save_model(self, request: HttpRequest, obj: Any, form: VerbForm, change: bool) -> None:
        if change:
            change_review(obj.pk, form.typed(changed_only=True), by=asker(request))
        else:
            obj.pk = create_review(**form.typed(changed_only=False), by=asker(request)).pk


class MembershipForm(VerbForm):
    username = forms.CharField(max_length=150, help_text="The account as it signs in.")
    roles = forms.MultipleChoiceField(choices=Role.choices, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = Membership
        fields = ("review",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields.pop("username", None)
            if "roles" in self.fields:
                self.fields["roles"].initial = self.instance.roles

    def _post_clean(self) -> None:
        """The verb checks; the columns of the roles are not fields of this form."""
        show_refusal(self, self.refusal)

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        if account_called(username) is None:
            raise forms.ValidationError("There is no account of this name.")
        return username


@admin.register(Membership)
class MembershipAdmin(BlindedAdmin):
    thing = Thing.MEMBERSHIP
    act_to_change = Act.MANAGE
    adds = deletes = True
    form = MembershipForm
    list_display = ("person", "roles_in_words", "review")
    list_filter: ClassVar[Any] = (by_row("review", "review", Review),)
    list_select_related = ("user", "review")
    search_fields = ("user__username", "user__first_name", "user__last_name")
    ordering = ("review__title", "user__username")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("review", "username", "roles")
        return ("review", "person", "roles" if self.has_change_permission(request, obj) else "roles_in_words")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("review", "person", "roles_in_words") if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["fields"] = () if obj else ("review",)  # the others are declared, or shown only
        form = super().get_form(request, obj, change, **kwargs)
        if "review" in form.base_fields:
            led = access.permitted(asker(request), Act.MANAGE, Thing.REVIEW, Review.PATHS)
            reviews = Review.objects.visible_to(request.user).filter(led)
            form.base_fields["review"].queryset = reviews
        return form

    @admin.display(description="Person", ordering="user__username")
    def person(self, member: Membership) -> str:
        return str(member.user)

    @admin.display(description="Roles")
    def roles_in_words(self, member: Membership) -> str:
        return ", ".join(Role(role).label for role in member.roles)

    def save_model(self, request: HttpRequest, obj: Any, form: VerbForm, change: bool) -> None:
        roles = form.cleaned_data["roles"]
        if change:
            set_member(obj.review_id, obj.user_id, roles, by=asker(request))
        else:
            person = account_called(form.cleaned_data["username"])
            saved = set_member(form.cleaned_data["review"].pk, person.pk if person else 0, roles, by=asker(request))
            obj.pk, obj.review, obj.user = saved.pk, saved.review, saved.user
        for role in Role:
            setattr(obj, role.value, role.value in roles)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        remove_member(obj.review_id, obj.user_id, by=asker(request))


@admin.register(Assignment)
class AssignmentAdmin(BlindedAdmin):
    thing = Thing.ASSIGNMENT
    act_to_change = Act.MANAGE
    adds = deletes = True
    list_display = ("trial", "slot", "person", "assigned_at")
    list_filter: ClassVar[Any] = (
        by_row("trial__review", "review", Review),
        by_choice("slot", "slot", Slot.choices),
        by_row("user", "person", User),
    )
    list_select_related = ("trial", "user")
    search_fields = ("trial__label",)
    ordering = ("trial__label_key", "slot")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("trial", "slot", "person") if obj else ("trial", "slot", "user")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("trial", "slot", "person") if obj else ()

    @admin.display(description="Person", ordering="user__username")
    def person(self, assignment: Assignment) -> str:
        return str(assignment.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A slot is given and taken back; it is not edited."""
        return obj is None and super().has_change_permission(request)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "trial" and field is not None and field.queryset is not None:
            led = access.permitted(asker(request), Act.MANAGE, Thing.TRIAL, Trial.PATHS)
            field.queryset = field.queryset.filter(led, status=Status.ENTERING)
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: VerbForm, change: bool) -> None:
        obj.pk = assign(obj.trial_id, obj.slot, obj.user_id, by=asker(request)).pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        unassign(obj.trial_id, obj.slot, by=asker(request))


class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Accounts, for superusers alone. They hold nothing of a review: rights come from memberships, which leads give.

    When somebody signed in last is not shown: it would tell a blinded colleague how far they are.
    """

    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_staff")
    list_filter = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "time_zone")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser")}),
    )
    filter_horizontal = ()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return asker(request).is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return asker(request).is_superuser

    has_change_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return asker(request).is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An account is switched off, never deleted: its name stands in the history."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return False


admin.site.register(User, AccountAdmin)
