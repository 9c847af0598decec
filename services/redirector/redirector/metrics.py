"""The metrics of redirectors and senders."""

from codeqr_common.metrics import Counter, Gauge

ANSWERS = Counter("codeqr_redirector_answers_total", "Answers by kind and status.", ("kind", "status"))
LOOKUPS = Counter("codeqr_redirector_lookups_total", "Where an answer came from.", ("source",))
FOLLOWING = Gauge("codeqr_redirector_following", "1 while link events are followed.")
CLICKS_SPOOLED = Counter("codeqr_redirector_clicks_spooled_total", "Clicks written to the spool.")
CLICKS_LOST = Counter("codeqr_redirector_clicks_lost_total", "Clicks that could not be spooled.", ("reason",))
SPOOL_BYTES = Gauge("codeqr_redirector_spool_bytes", "Bytes of all segments.")

SENT = Counter("codeqr_sender_clicks_sent_total", "Clicks that Kafka has.")
SKIPPED = Counter("codeqr_sender_records_skipped_total", "Records that could not become an event.", ("reason",))
INCOMPLETE = Counter("codeqr_sender_clicks_incomplete_total", "Clicks sent without place, device and visitor.")
TORN = Counter("codeqr_sender_torn_bytes_total", "Bytes behind the last whole frame of closed segments.")
SESSIONS = Counter("codeqr_sender_sessions_total", "Sessions opened with Kafka.")
BEHIND_BYTES = Gauge("codeqr_sender_spool_behind_bytes", "Spooled bytes that Kafka does not have yet.")
OLDEST_UNSENT = Gauge("codeqr_sender_oldest_unsent_seconds", "Age of the oldest click that Kafka does not have yet.")
