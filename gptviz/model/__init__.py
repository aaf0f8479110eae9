"""The only package that knows how transformers works inside: capture, anatomy, recorded passes, and how edits are applied."""
