"""What the internal stream of clicks answers."""

import msgspec


class ClickLine(msgspec.Struct, frozen=True, rename="camel"):
    """One stored row. `referrer` is the whole Referer as sent, None when there was none."""

    id: str
    link_id: str
    time: str
    referrer: str | None
    bot: bool
