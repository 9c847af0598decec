"""From events to deliveries: which endpoints an event is for, and the bytes they get."""
