"""Runs a notebook and writes it as one HTML page."""
