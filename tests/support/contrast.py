"""The contrast of two colours, which is also how far their greys are apart."""


def channels(colour):
    """Returns the red, green and blue of `#rrggbb`, from 0 to 1."""
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def contrast(first, second):
    """Returns the contrast of two colours `#rrggbb` by WCAG 2."""
    dim, light = sorted([_luminance(first), _luminance(second)])
    return (light + 0.05) / (dim + 0.05)


def _luminance(colour):
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
