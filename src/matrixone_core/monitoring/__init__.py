"""What happens on a client's connections, for those who run it: log records, spans, metrics, and the state of pools.

Only observers may live here: nothing here changes what is sent, and without a listener nothing here costs time.
"""
