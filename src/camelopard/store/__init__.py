"""Keeps facts in SQL and logs in an open table format."""
