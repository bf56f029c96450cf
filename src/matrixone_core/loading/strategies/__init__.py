"""Strategies: the ways in which rows get from their input into the target table."""
