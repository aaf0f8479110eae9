"""The views, a folder each with Python, JavaScript, styles and words. `shared/` holds what several views use."""
