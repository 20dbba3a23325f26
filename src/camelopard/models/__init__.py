"""Wraps any model in one face. The only room that imports a model framework."""
