"""Counters: clicks summed onto links, exactly."""
