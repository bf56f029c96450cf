"""Monitoring: events, log records, spans, metrics and the progress bar of loads."""
