"""Statements read by their tokens: tokens, names of tables and types, what a definition changes, quoting.

Pure functions; they import nothing but errors.
"""
