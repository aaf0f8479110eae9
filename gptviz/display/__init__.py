"""How numbers and words are shown: still pictures, phrases, language and scale. No torch."""
