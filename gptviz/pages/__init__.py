"""Bundles page modules, sends arrays to a page, answers its questions, and writes views as one HTML file."""
