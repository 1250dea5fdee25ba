"""A machine of its own: the data folder and the secret that `manage.py up` needs before settings are read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent


def data_dir() -> Path:
    """The folder of everything this installation keeps: database, broker, secret, uploads."""
    return Path(os.environ.get("DATA_DIR") or BASE_DIR / "var").resolve()


def prepare() -> None:
    """Make the data folder and its secret where missing; allow plain http for this process and its children.

    Plain http narrows ALLOWED_HOSTS to the loopback addresses (see settings), so it cannot be switched on
    by accident on a server that others reach.
    """
    folder = data_dir()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if "SECRET_KEY" not in os.environ and "SECRET_KEY_FILE" not in os.environ:
        write_secret(folder / "secret-key")
    os.environ["PLAIN_HTTP"] = "1"


def write_secret(path: Path) -> None:
    """Write a new secret that only its owner can read; a secret that is there stays."""
    if path.exists():
        return
    half_written = path.with_suffix(f".{os.getpid()}.part")
    descriptor = os.open(half_written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        os.link(half_written, path)  # the first of two writers wins, nobody reads half a secret
    except FileExistsError:
        pass
    finally:
        half_written.unlink()
