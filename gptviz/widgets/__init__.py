"""The views, one folder each: Python, JavaScript, styles and words; `shared/` has what they have in common."""
