"""The rules of the contract for a link's values, as `ApiError`s that name the field."""

from collections.abc import Callable, Collection

from codeqr_common import errors
from link_api.links.key_rules import ReservedKey, short_key
from link_api.links.urls import target_url


def checked_url(path: str, value: str, schemes: Collection[str]) -> str:
    """The stored form of the URL in field `path`. Raises 422."""
    return _checked(path, lambda: target_url(value, schemes))


def checked_key(path: str, value: str) -> str:
    """The key in field `path`, as it is stored. Raises 422, or 409 for a reserved one."""
    return _checked(path, lambda: short_key(value))


def _checked(path: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except ReservedKey as error:
        raise errors.conflict(f"{path}: {error}") from error
    except ValueError as error:
        raise errors.unprocessable_entity(f"{path}: {error}") from error
