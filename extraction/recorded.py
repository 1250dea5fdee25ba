"""Recorded rows change through verbs alone.

`verb` marks a function as one: it runs in one transaction, and only inside it may recorded rows be written.
Everything else that tries (`save`, `update`, `bulk_create`, `delete`, from the admin, a serializer or a shell) is
refused with `OutsideVerb`, so that nothing changes without its line in the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final, NoReturn, ParamSpec, TypeVar

from django.db import IntegrityError, models, transaction

from extraction.errors import StaleVersion

FOREIGN_KEY: Final = "23503"  # the SQLSTATE of a row that names one which is not there
P = ParamSpec("P")
R = TypeVar("R")

_inside_verb: ContextVar[bool] = ContextVar("inside_verb", default=False)


class OutsideVerb(RuntimeError):
    """A recorded row was about to change without a verb, hence without history."""


@contextmanager
def recording() -> Iterator[None]:
    token = _inside_verb.set(True)
    try:
        yield
    finally:
        _inside_verb.reset(token)


def verb(function: Callable[P, R]) -> Callable[P, R]:
    """Run the function in one transaction and let it write recorded rows.

    PostgreSQL asks whether a named row is there when the transaction ends, after the function's last line: a term that
    one person drops while another takes it up under another lock is told to whoever comes second, here.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with transaction.atomic(), recording():
                return function(*args, **kwargs)
        except IntegrityError as error:
            if getattr(error.__cause__, "sqlstate", "") != FOREIGN_KEY:
                raise
            raise StaleVersion(
                "Somebody dropped or took up the same thing at the same moment. Nothing was saved; load the page again."
            ) from error

    return run


def require_verb(model: type[models.Model]) -> None:
    if not _inside_verb.get():
        raise OutsideVerb(f"{model.__name__} is recorded: change it through a verb.")


M = TypeVar("M", bound=models.Model)


class RecordedQuerySet(models.QuerySet[M]):
    """Bulk writes go past `save`; here they are refused outside verbs as well."""

    def update(self, **kwargs: Any) -> int:
        require_verb(self.model)
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        require_verb(self.model)
        return super().delete()

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[M]:
        require_verb(self.model)
        return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs: Any, *args: Any, **kwargs: Any) -> int:
        require_verb(self.model)
        return super().bulk_update(objs, *args, **kwargs)


class Recorded(models.Model):
    """Base of rows whose every change is recorded."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        require_verb(type(self))
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        require_verb(type(self))
        return super().delete(*args, **kwargs)


class AppendOnlyQuerySet(models.QuerySet[M]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise OutsideVerb(f"{self.model.__name__} is append-only.")

    def delete(self) -> NoReturn:
        raise OutsideVerb(f"{self.model.__name__} is append-only.")
