"""Statements as immutable objects, one module a noun. Each knows its SQL and how to read its reply, and nothing else."""
