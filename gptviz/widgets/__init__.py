"""The views: each a triple of NAME.py (its traits), static/NAME.js (its DOM) and static/NAME.css, on the base of `base.py`."""
