"""One writer for reports: a page for people, a file for build servers. Both are made from plain data, never from live objects."""
