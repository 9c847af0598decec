"""From bodies to drafts: everything about a new link that can be decided before its transaction."""

from collections.abc import Sequence
from typing import Protocol

from codeqr_common import errors
from codeqr_common.errors import ApiError
from codeqr_common.http.calls import WriteCall
from codeqr_common.ids import id_and_time
from link_api.clock import moment_of
from link_api.domains.directory import DomainDirectory
from link_api.links.creation import Draft, RandomKey, external_id_used, redraw
from link_api.links.loops import LoopCheck
from link_api.links.names import key_used
from link_api.links.passwords import hashes_of
from link_api.links.schemas import LinkFields
from link_api.links.tagging import tags_asked
from link_api.links.values import DEFAULTS, LinkValues, new_password, with_derived
from link_api.links.webhook_ids import unknown_webhook

Drafted = Draft | ApiError


class Webhooks(Protocol):
    """Which webhooks there are is known to the webhooks service."""

    async def known(self, project_id: str, ids: list[str]) -> set[str]:
        """Which of these are webhooks of the project. Raises 503 when that cannot be known."""


class Drafting:
    """Makes drafts."""

    def __init__(self, values: LinkValues, domains: DomainDirectory, webhooks: Webhooks, loops: LoopCheck) -> None:
        self._values = values
        self._domains = domains
        self._webhooks = webhooks
        self._loops = loops

    async def draft(self, call: WriteCall, body: LinkFields) -> Draft:
        """The draft of one link. Raises 403, 409, 422."""
        (drafted,) = await self.drafts(call, [body])
        if isinstance(drafted, ApiError):
            raise drafted
        return drafted

    async def drafts(self, call: WriteCall, bodies: Sequence[LinkFields | ApiError]) -> list[Drafted]:
        """The draft of each body, or what is wrong with it. No two drafts share a name or an external id."""
        found = [body if isinstance(body, ApiError) else await self._one(call, body) for body in bodies]
        await self._check_webhooks(call, found)
        await self._hash_passwords(bodies, found)
        _refuse_repeats(found)
        drafts = [(position, draft) for position, draft in enumerate(found) if isinstance(draft, Draft)]
        loops = await self._loops.loops([draft.row for _, draft in drafts])
        for number, path in loops.items():
            found[drafts[number][0]] = errors.unprocessable_entity(f"{path}: leads back to this link")
        return found

    async def _one(self, call: WriteCall, body: LinkFields) -> Drafted:
        try:
            return await self._checked(call, body)
        except ApiError as error:
            if error.status >= 500:
                raise
            return error

    async def _checked(self, call: WriteCall, body: LinkFields) -> Draft:
        values = self._values.read(body)
        domain = await self._domains.for_links(call.project_id, body.domain)
        link_id, milliseconds = id_and_time("link")
        created_at = moment_of(milliseconds)
        row = DEFAULTS | values
        row |= {
            "id": link_id,
            "project_id": call.project_id,
            "user_id": call.identity.user_id,
            "domain_id": domain.id,
            "domain": domain.slug,
            "created_at": created_at,
            "updated_at": created_at,
        }
        draft = Draft(row, asked=tags_asked(body))
        if "key" not in values:
            draft.drawn = RandomKey(getattr(body, "prefix", None), getattr(body, "key_length", None))
            redraw(draft)
        draft.row = with_derived(draft.row)
        return draft

    async def _check_webhooks(self, call: WriteCall, drafted: list[Drafted]) -> None:
        """Refuse drafts that name unknown webhooks; the webhooks service is asked once for all."""
        named = {
            position: draft.row["webhook_ids"] for position, draft in enumerate(drafted) if isinstance(draft, Draft)
        }
        asked = sorted({webhook_id for ids in named.values() for webhook_id in ids})
        if not asked:
            return
        known = await self._webhooks.known(call.project_id, asked)
        for position, ids in named.items():
            drafted[position] = unknown_webhook(ids, known) or drafted[position]

    async def _hash_passwords(self, bodies: Sequence[LinkFields | ApiError], drafted: Sequence[Drafted]) -> None:
        wanted: list[tuple[Draft, str]] = []
        for body, draft in zip(bodies, drafted, strict=True):
            if isinstance(draft, Draft) and isinstance(body, LinkFields):
                is_set, password = new_password(body)
                if is_set and password:
                    wanted.append((draft, password))
        if not wanted:
            return
        hashes = await hashes_of(password for _, password in wanted)
        for draft, password in wanted:
            draft.row["password_hash"] = hashes[password]


def _refuse_repeats(drafted: list[Drafted]) -> None:
    """Of two equal names or external ids in one call the second fails; a random name is drawn anew."""
    names = set()
    external_ids = set()
    for position, draft in enumerate(drafted):
        if isinstance(draft, ApiError):
            continue
        while draft.drawn is not None and draft.name in names:
            redraw(draft)
        external_id = draft.row["external_id"]
        if draft.name in names:
            drafted[position] = key_used(draft.name)
        elif external_id is not None and external_id in external_ids:
            drafted[position] = external_id_used(external_id)
        else:
            names.add(draft.name)
            external_ids.add(external_id)
