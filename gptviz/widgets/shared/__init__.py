"""What all views stand on."""
