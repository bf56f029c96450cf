"""What a load reports while it runs: events for the caller, log records, spans, metrics.

Only what observes loads may live here; what observes statements and connections is in `matrixone_core.monitoring`.
"""
