"""Settings of the command that makes the topics."""

from pydantic import SecretStr

from codeqr_common.settings import Settings


class TopicSettings(Settings):
    service_token: SecretStr = SecretStr("")
    kafka_replication_factor: int = 1
