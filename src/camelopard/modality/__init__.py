"""What a kind of data is, and how it is read and written. Tables, so far."""
