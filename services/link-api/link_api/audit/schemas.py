"""What callers ask and get at `/audit`."""

import msgspec

from link_api.moments import Moment
from link_api.paging import Paging
from link_api.text import Text


class AuditFilters(Paging):
    """Which entries: each filter has an index. `since` and `until`: `[since, until)`."""

    action: Text | None = None
    resource_id: Text | None = None
    key_id: Text | None = None
    since: Moment | None = None
    until: Moment | None = None


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One change of one resource. Key, user and request are null for what the operator did."""

    id: str
    at: str
    action: str
    resource_id: str
    key_id: str | None
    key_name: str | None
    user_id: str | None
    user_name: str | None
    request_id: str | None
