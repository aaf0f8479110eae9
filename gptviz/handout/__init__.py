"""A notebook as one HTML page to hand out."""
