"""Writes the reference anew from the code: each service's part, and the whole that link-api serves.

python deploy/openapi.py
"""

import sys
from pathlib import Path

import analytics.reference
import link_api.reference.part
import webhooks.reference
from codeqr_common.http.openapi import DocumentError, merged, written

SERVICES = Path(__file__).parents[1] / "services"
PARTS = {
    "link-api": link_api.reference.part.part,
    "analytics": analytics.reference.part,
    "webhooks": webhooks.reference.part,
}
WHOLE = SERVICES / "link-api/link_api/reference/openapi.json"


def main() -> None:
    """Write all files, or none: what is not said is named."""
    try:
        parts = {service: part() for service, part in PARTS.items()}
    except DocumentError as error:
        sys.exit(str(error))
    for service, part in parts.items():
        (SERVICES / service / "openapi.json").write_text(written(part), "utf-8")
    WHOLE.write_text(written(merged(*parts.values())), "utf-8")


if __name__ == "__main__":
    main()
