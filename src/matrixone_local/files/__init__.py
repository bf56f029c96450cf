"""Where files are and how their rows get into tables: stores, stages, patterns, sources, inserts of batches.

What a statement means does not belong here.
"""
