"""`link.events`: what happened to links, domains and projects. Kafka key = the id of what it happened to."""

from typing import Any, Literal, get_args

import msgspec

SCHEMA = 1


def spelling(name: str) -> str:
    """camelCase, but for `utm_*` (contract, section 1)."""
    if name.startswith("utm_"):
        return name
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


class Tag(msgspec.Struct, frozen=True):
    """A tag as a link shows it."""

    id: str
    name: str
    color: str


class Link(msgspec.Struct, frozen=True, rename=spelling, kw_only=True):
    """The link object of the contract (2.1): what the API answers, what events carry, what webhooks send.

    Times are ISO 8601 texts. Every field is always written.
    """

    id: str
    domain: str
    key: str
    url: str | None
    short_link: str
    qr_code: str
    archived: bool = False
    track_conversion: bool = False
    proxy: bool = False
    rewrite: bool = False
    do_index: bool = False
    flexible: bool = False
    filled: bool = False
    pre_redirection: bool = False
    is_form_mandatory: bool = False
    public_stats: bool = False
    expires_at: str | None = None
    last_clicked: str | None = None
    expired_url: str | None = None
    external_id: str | None = None
    tenant_id: str | None = None
    title: str | None = None
    description: str | None = None
    image: str | None = None
    video: str | None = None
    ios: str | None = None
    android: str | None = None
    page_id: str | None = None
    page_url: str | None = None
    comments: str | None = None
    notification_token: str | None = None
    tag_id: str | None = None
    password: str | None = None
    """None, or the mask: never the password, nor its hash."""
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    geo: dict[str, str] | None = None
    rules: list[dict[str, Any]] | None = None
    tags: list[Tag] = []
    webhook_ids: list[str] = []
    user_id: str
    project_id: str
    clicks: int = 0
    leads: int = 0
    sales: int = 0
    sale_amount: int = 0
    created_at: str
    updated_at: str


class ShortLinkName(msgspec.Struct, frozen=True):
    """Where a link was before it moved."""

    domain: str
    key: str


LinkEventType = Literal["link.created", "link.updated", "link.deleted"]
DomainEventType = Literal["domain.created", "domain.updated", "domain.deleted"]
ProjectEventType = Literal["project.deleted"]


class LinkEvent(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Something happened to a link.

    `time` is in milliseconds since the epoch. `version` orders everything that ever happened to the link's short
    links; a consumer applies a version once and never goes back. `link` is the link after the event (before it, for a
    deletion). `previous` names the short link that it left by this event. `bulk`: from a bulk call.
    """

    schema: int = SCHEMA
    id: str
    type: LinkEventType
    time: int
    version: int
    project_id: str
    link_id: str
    link: Link
    previous: ShortLinkName | None = None
    bulk: bool = False
    request_id: str | None = None


class DomainFacts(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A domain as consumers need it. `project_id` is None for a shared one."""

    id: str
    slug: str
    project_id: str | None = None
    verified: bool = False
    root_url: str | None = None
    not_found_url: str | None = None
    expired_url: str | None = None


class DomainEvent(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Something happened to a domain; fields as in `LinkEvent`."""

    schema: int = SCHEMA
    id: str
    type: DomainEventType
    time: int
    version: int
    project_id: str | None
    domain: DomainFacts
    request_id: str | None = None


class ProjectEvent(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Something happened to a project; fields as in `LinkEvent`.

    `project.deleted` is written when its links and domains are gone, but stands on a partition of its own choice: their
    last events, and its last clicks, may be read after it. A consumer may meet it more than once.
    """

    schema: int = SCHEMA
    id: str
    type: ProjectEventType
    time: int
    project_id: str
    request_id: str | None = None


class _Kind(msgspec.Struct):
    type: str


_kind = msgspec.json.Decoder(_Kind)
_link_event = msgspec.json.Decoder(LinkEvent)
_domain_event = msgspec.json.Decoder(DomainEvent)
_project_event = msgspec.json.Decoder(ProjectEvent)
_LINK_TYPES = frozenset(LinkEventType.__args__)  # type: ignore[attr-defined]
_DOMAIN_TYPES = frozenset(DomainEventType.__args__)  # type: ignore[attr-defined]
_PROJECT_TYPES = frozenset(get_args(ProjectEventType))

encode = msgspec.json.Encoder().encode


def decode_link_event(value: bytes) -> LinkEvent | DomainEvent | None:
    """The event of a link or a domain in a record's value; None for another type, such as one newer than this code.

    Raises `msgspec.DecodeError` (`ValidationError` is one) for what is no event at all.
    """
    kind = _kind.decode(value).type
    if kind in _LINK_TYPES:
        return _link_event.decode(value)
    if kind in _DOMAIN_TYPES:
        return _domain_event.decode(value)
    return None


def decode_project_event(value: bytes) -> ProjectEvent | None:
    """The event of a project in a record's value; None for another type. Raises as `decode_link_event` does."""
    return _project_event.decode(value) if _kind.decode(value).type in _PROJECT_TYPES else None


def decode_event(value: bytes) -> LinkEvent | DomainEvent | ProjectEvent | None:
    """The event in a record's value, whatever it is about; None for a type newer than this code. Raises likewise."""
    return decode_link_event(value) or decode_project_event(value)
