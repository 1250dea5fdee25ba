"""The stock admin site: its name, its start page, and what it must not offer."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group

admin.site.site_header = "reviewapp"
admin.site.site_title = "reviewapp"
admin.site.index_title = "Administration"
admin.site.enable_nav_sidebar = False  # who adjudicates works in one list
admin.site.disable_action("delete_selected")  # rows leave through verbs, and most never leave
admin.site.unregister(Group)  # rights come from memberships alone
