"""Who an API key is. The verifier in `codeqr_common` caches the answers for 5 s, for every service."""

from codeqr_common.auth.keys import KeyIdentity
from link_api import clock
from link_api.database import Database
from link_api.keys import repository


class KeyService:
    """Loads identities of keys from Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, key_hash: str) -> KeyIdentity | None:
        """The identity behind a hash; None when the key is unknown or revoked. Notes its use, once a minute at most.

        The verifiers' caches let a key through to here every 5 s, so noting uses here misses no minute.
        """
        async with self._database.reading() as connection:
            found = await repository.identity_of(connection, key_hash)
            if found is None:
                return None
            identity, last_used = found
            moment = clock.now()
            if repository.is_due(last_used, moment):
                await repository.note_use(connection, identity.key_id, moment)
        return identity
