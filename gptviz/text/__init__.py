"""Tokens: what they stand for, how byte-pair encoding made them, and how they are shown. No torch."""
