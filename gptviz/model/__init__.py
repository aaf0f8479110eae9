"""The only package that knows how transformers works inside: capture, anatomy, recorded passes, edits at work."""
