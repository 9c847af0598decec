"""What `GET /analytics` takes and answers (contract, section 4)."""

from enum import StrEnum

import msgspec


class Event(StrEnum):
    """The event whose measure orders the rows of a grouping; it leaves no measure out."""

    CLICKS = "clicks"
    SCANS = "scans"
    LEADS = "leads"
    SALES = "sales"
    COMPOSITE = "composite"


class GroupBy(StrEnum):
    """The groupings that are offered."""

    COUNT = "count"
    TIMESERIES = "timeseries"


class CountRow(msgspec.Struct, frozen=True, rename="camel"):
    """All measures of a window. Leads and sales are 0: no conversion is ingested."""

    clicks: int = 0
    uniques: int = 0
    scans: int = 0
    leads: int = 0
    sales: int = 0
    sale_amount: int = 0


class TimeseriesRow(msgspec.Struct, frozen=True, rename="camel"):
    """The measures of one bucket; `start` is the bucket's first instant, in UTC."""

    start: str
    clicks: int = 0
    uniques: int = 0
    scans: int = 0
    leads: int = 0
    sales: int = 0
    sale_amount: int = 0
