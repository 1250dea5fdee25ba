"""An upload between its preview and its application: the plain cells that were read, never the file itself.

What was uploaded is parsed and thrown away. The cells wait under a random name for at most an hour, and only the
person who uploaded them finds them again.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.core import signing

from extraction import access
from extraction.errors import NotFound
from extraction.file_names import shown_name
from extraction.workbook.preflight import Preflight, preflight, understood

SECONDS = 60 * 60
SALT = "extraction.workbook.uploads"


@dataclass(frozen=True, slots=True)
class Upload:
    name: str  # for the eye alone
    checked: Preflight


def receive(filename: str, data: bytes) -> Upload:
    """Read an upload in the limited child process."""
    return Upload(shown_name(filename), preflight(data, filename))


def hold(upload: Upload, *, review_id: int, by: access.Viewer) -> str:
    """Keep the cells of an upload; answer with the token that finds them again."""
    folder = _folder()
    _forget_old(folder)
    key = secrets.token_hex(16)
    sheets = [
        {**asdict(sheet), "rows": [(row.number, row.cells, row.hidden) for row in sheet.rows]}
        for sheet in upload.checked.sheets
    ]
    findings = [asdict(finding) for finding in upload.checked.findings]
    path = folder / key
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"sheets": sheets, "findings": findings}, file)
    said = {"key": key, "user": by.pk, "review": review_id, "kind": upload.checked.kind, "name": upload.name}
    return signing.dumps(said, salt=SALT)


def held(token: str, *, by: access.Viewer) -> tuple[Upload, int]:
    """The upload that a token stands for, and its review. Raises `NotFound` when it is somebody else's or too old."""
    try:
        said = signing.loads(token, salt=SALT, max_age=SECONDS)
        if said["user"] != by.pk:
            raise NotFound("This upload is no longer kept. Choose the file again.")
        result = json.loads((_folder() / said["key"]).read_text())
    except (signing.BadSignature, OSError) as error:
        raise NotFound("This upload is no longer kept. Choose the file again.") from error
    return Upload(said["name"], understood(said["kind"], result)), said["review"]


def discard(token: str, *, by: access.Viewer) -> None:
    """Forget an upload, for example once it was applied."""
    with suppress(signing.BadSignature):
        said = signing.loads(token, salt=SALT, max_age=SECONDS)
        if said["user"] == by.pk:
            (_folder() / said["key"]).unlink(missing_ok=True)


def _folder() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _forget_old(folder: Path) -> None:
    oldest = time.time() - SECONDS
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another process may be tidying as well
            if path.stat().st_mtime < oldest:
                path.unlink()
