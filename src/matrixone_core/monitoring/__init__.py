"""What happens on a client's connections, for those who run it: log records, spans, metrics, and the state of pools."""
