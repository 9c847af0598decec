"""What a stack keeps for itself between starts: its service token, and the demo project with its key."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from codeqr_local.errors import StackError
from codeqr_local.state import write_private


@dataclass
class Credentials:
    """service_token: what services show each other. The rest is empty until the demo project is made."""

    service_token: str
    project_id: str = ""
    project_slug: str = ""
    api_key: str = ""

    def save(self, home: Path) -> None:
        """Replace the file in one step; only its owner may read it."""
        write_private(_path(home), json.dumps(asdict(self), indent=1))


def _path(home: Path) -> Path:
    return home / "credentials.json"


def kept_password(folder: Path) -> str:
    """The random password of an engine, kept in its folder; made once, before the engine's data."""
    path = folder / "password"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text()


def load_or_make(home: Path) -> Credentials:
    """Those of the data folder; made and kept on the first start."""
    try:
        return Credentials(**json.loads(_path(home).read_text()))
    except FileNotFoundError:
        made = Credentials(service_token=secrets.token_urlsafe(32))
        made.save(home)
        return made
    except (ValueError, TypeError) as error:
        raise StackError(f"{_path(home)} cannot be read ({error}); remove it to have a new one made") from error
