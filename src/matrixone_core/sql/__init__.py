"""Statements as immutable objects, one module a noun: each knows its SQL and how to read its reply.

Only statements and what writes them may live here; operations decide which of them are sent.
"""
