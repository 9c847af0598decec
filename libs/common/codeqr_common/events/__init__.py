"""The events that services exchange over Kafka, as versioned structs."""
