"""Page modules put together, arrays on their way to a page, and views as one HTML file."""
