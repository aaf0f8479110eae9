"""Tokens, and how the tokenizer arrived at them. No torch."""
