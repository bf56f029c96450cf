"""Statements as immutable objects, one module a noun: each knows its SQL, how to read its reply, and nothing else."""
