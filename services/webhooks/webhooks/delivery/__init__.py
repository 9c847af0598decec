"""From deliveries to attempts: signing, sending, recording, and the next try."""
