"""The story on real data: an income model, what fools it, and a day of bad input at its door."""
