"""Display: still pictures, colours, labels, phrases, language and scale. No torch."""
