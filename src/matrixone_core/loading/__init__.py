"""Loading: what a load promises, how it goes, and what it reports."""
