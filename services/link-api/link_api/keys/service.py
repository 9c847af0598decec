"""What happens to API keys. The verifier in `codeqr_common` caches who they are, for every service."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity, hash_key, new_key
from codeqr_common.auth.verifier import KeyVerifier
from codeqr_common.http.calls import WriteCall
from link_api import clock
from link_api.audit import repository as audit
from link_api.database import Database
from link_api.keys import repository
from link_api.keys.powers import PUBLISHABLE_SCOPES, Powers, check_rank, lower_limit
from link_api.keys.representation import USAGE_DAYS, token_of, with_secret, without_secret
from link_api.keys.schemas import ChangeToken, CreateToken, NewToken, RotateToken, Token, UserInfo, UserProject
from link_api.paging import Paging
from link_api.rows import Row

SCOPE = "tokens.write"
PLAN = "self-hosted"
"""What `/oauth/userinfo` says of every project: there is nothing to pay for."""
Shown = TypeVar("Shown", bound=Token)


class Change(NamedTuple, Generic[Shown]):
    """What became of a key, and the hashes that the verifiers have to forget once it is committed."""

    token: Shown
    hashes: Sequence[str]


class KeyService:
    """Everything the API does with keys."""

    def __init__(self, database: Database, verifier: KeyVerifier, *, default_limit: int) -> None:
        self._database = database
        self._verifier = verifier
        self._default_limit = default_limit

    async def load(self, key_hash: str) -> KeyIdentity | None:
        """The identity behind a hash; None when the key is unknown or revoked. Notes its use, once a minute at most.

        The verifiers' caches let a key through to here every few seconds, so noting uses here misses no minute.
        """
        async with self._database.reading() as connection:
            found = await repository.identity_of(connection, key_hash)
            if found is None:
                return None
            moment = clock.now()
            if repository.is_due(found.last_used, moment):
                await repository.note_use(connection, found.identity.key_id, moment)
        return found.identity

    async def note_usage(self, requests: Mapping[str, int]) -> None:
        """Add requests by key id to the present day."""
        if requests:
            today = clock.now().date()
            await self._database.write(lambda connection: repository.add_usage(connection, today, requests))

    async def page(self, identity: KeyIdentity, paging: Paging) -> list[Token]:
        """One page of the project's keys, newest first."""
        async with self._database.reading() as connection:
            rows = await repository.page(connection, identity.project_id, paging)
            return await _shown(connection, rows)

    async def create(self, call: WriteCall, body: CreateToken) -> NewToken:
        """Make a key for the caller's user. 403: it would outrank the caller's."""
        await self._database.replay(call)
        scopes = _scopes_of_new(body)

        async def work(connection: AsyncConnection) -> NewToken:
            caller = await self._caller(connection, call)
            maker = _powers_of_caller(caller, call.identity)
            limit = lower_limit(self._default_limit, maker.rate_limit) if body.rate_limit is None else body.rate_limit
            check_rank(maker, Powers(scopes, limit, body.expires_at))
            key = new_key(publishable=bool(body.publishable))
            values = {
                "project_id": call.project_id,
                "user_id": caller["user_id"],
                "name": body.name,
                "scopes": scopes,
                "rate_limit": limit,
                "expires_at": body.expires_at,
                "publishable": bool(body.publishable),
            }
            row = await repository.insert_key(connection, key, values)
            await audit.record(connection, audit.actor_of(call), "token.created", [row["id"]])
            return with_secret((await _shown(connection, [row]))[0], key)

        _check_future(body)
        return await self._database.answer(call, work, kept=without_secret)

    async def change(self, call: WriteCall, key_id: str, body: ChangeToken) -> Token:
        """Change a key. 403: it outranks the caller's, or would."""
        _check_cleared(body)
        _check_future(body)
        values = {name: getattr(body, name) for name in body.model_fields_set}

        async def work(connection: AsyncConnection) -> Change[Token]:
            maker, target = await self._maker_and_target(connection, call, key_id)
            if target["publishable"] and tuple(values.get("scopes", PUBLISHABLE_SCOPES)) != PUBLISHABLE_SCOPES:
                raise _not_publishable()
            check_rank(maker, _powers({**target, **values}))
            row = target
            if values:
                row = await repository.change(connection, key_id, values)
                await audit.record(connection, audit.actor_of(call), "token.updated", [key_id])
            return Change((await _shown(connection, [row]))[0], _hashes(target))

        change = await self._database.write(work)
        await self._verifier.forget(change.hashes)
        return change.token

    async def rotate(self, call: WriteCall, key_id: str, body: RotateToken) -> NewToken:
        """Give a key a new secret; the present one works on for the overlap, an older one no more."""

        async def work(connection: AsyncConnection) -> Change[NewToken]:
            _, target = await self._maker_and_target(connection, call, key_id)
            key = new_key(publishable=target["publishable"])
            until = clock.now() + timedelta(seconds=body.overlap) if body.overlap else None
            values = {
                "hash": hash_key(key),
                "last_four": key[-4:],
                "previous_hash": target["hash"] if until else None,
                "previous_until": until,
            }
            row = await repository.change(connection, key_id, values)
            await audit.record(connection, audit.actor_of(call), "token.rotated", [key_id])
            return Change(with_secret((await _shown(connection, [row]))[0], key), _hashes(target))

        change = await self._database.answer(call, work, kept=lambda change: without_secret(change.token))
        await self._verifier.forget(change.hashes)
        return change.token

    async def revoke(self, call: WriteCall, key_id: str) -> None:
        """End a key for good. Any key with the scope may do so to any other: whoever finds a leak must be able to."""

        async def work(connection: AsyncConnection) -> Sequence[str]:
            _, target = await self._caller_and_target(connection, call, key_id)
            await repository.change(connection, key_id, {"revoked_at": clock.now()})
            await audit.record(connection, audit.actor_of(call), "token.revoked", [key_id])
            return _hashes(target)

        await self._verifier.forget(await self._database.write(work))

    async def user_info(self, identity: KeyIdentity) -> UserInfo:
        """The user of a key. 401 when the key has just been revoked."""
        async with self._database.reading() as connection:
            row = await repository.user_of(connection, identity.key_id)
        if row is None:
            raise _revoked()
        project = UserProject(row["project_id"], row["project_slug"], row["project_name"], PLAN)
        return UserInfo(row["id"], row["name"], project)

    async def _maker_and_target(self, connection: AsyncConnection, call: WriteCall, key_id: str) -> tuple[Powers, Row]:
        """The caller's powers, and the key to change, which must not outrank them."""
        caller, target = await self._caller_and_target(connection, call, key_id)
        maker = _powers_of_caller(caller, call.identity)
        check_rank(maker, _powers(target))
        return maker, target

    async def _caller_and_target(self, connection: AsyncConnection, call: WriteCall, key_id: str) -> tuple[Row, Row]:
        """Both locked at once, in the order of ids. 404 when there is no such key to change."""
        rows = await repository.lock(connection, call.project_id, [call.identity.key_id, key_id])
        caller = _checked_caller(rows, call.identity)
        if key_id not in rows:
            raise errors.not_found("There is no such key in this project.")
        return caller, rows[key_id]

    async def _caller(self, connection: AsyncConnection, call: WriteCall) -> Row:
        rows = await repository.lock(connection, call.project_id, [call.identity.key_id])
        return _checked_caller(rows, call.identity)


def _checked_caller(rows: Mapping[str, Row], identity: KeyIdentity) -> Row:
    """The caller's key as it is now: what the gate knew may be some seconds old."""
    row = rows.get(identity.key_id)
    if row is None or identity.secret_hash not in _hashes(row):
        raise _revoked()
    ends = repository.expiry(row, identity.secret_hash)
    if ends is not None and ends <= clock.now():
        raise errors.unauthorized("This API key has expired.")
    if SCOPE not in row["scopes"]:
        raise errors.forbidden(f"This API key lacks the scope {SCOPE}.")
    return row


async def _shown(connection: AsyncConnection, rows: Sequence[Row]) -> list[Token]:
    moment = clock.now()
    since = moment.date() - timedelta(days=USAGE_DAYS - 1)
    usage = await repository.usage(connection, [row["id"] for row in rows], since)
    return [token_of(row, usage[row["id"]], moment) for row in rows]


def _powers(row: Mapping[str, Any]) -> Powers:
    return Powers(row["scopes"], row["rate_limit"], row["expires_at"])


def _powers_of_caller(row: Row, identity: KeyIdentity) -> Powers:
    """A secret that is being replaced works only until the overlap ends, and so must what it makes."""
    return Powers(row["scopes"], row["rate_limit"], repository.expiry(row, identity.secret_hash))


def _hashes(row: Row) -> list[str]:
    return [key_hash for key_hash in (row["hash"], row["previous_hash"]) if key_hash]


def _scopes_of_new(body: CreateToken) -> Sequence[str]:
    if body.publishable:
        if body.scopes is not None and tuple(body.scopes) != PUBLISHABLE_SCOPES:
            raise _not_publishable()
        return PUBLISHABLE_SCOPES
    if not body.scopes:
        raise errors.unprocessable_entity("scopes: at least one is required")
    return body.scopes


def _check_cleared(body: ChangeToken) -> None:
    for field in ("name", "scopes", "rate_limit"):
        if field in body.model_fields_set and getattr(body, field) is None:
            shown = "rateLimit" if field == "rate_limit" else field
            raise errors.unprocessable_entity(f"{shown}: cannot be cleared")
    if body.scopes is not None and not body.scopes:
        raise errors.unprocessable_entity("scopes: at least one is required")


def _check_future(body: CreateToken | ChangeToken) -> None:
    if body.expires_at is not None and body.expires_at <= clock.now():
        raise errors.unprocessable_entity("expiresAt: is in the past")


def _not_publishable() -> errors.ApiError:
    return errors.unprocessable_entity(f"scopes: a publishable key has {PUBLISHABLE_SCOPES[0]} and nothing else")


def _revoked() -> errors.ApiError:
    return errors.unauthorized("This API key is unknown or has been revoked.")
