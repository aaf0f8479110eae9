"""Converts formulas in TeX to MathML, which browsers draw without a library, or to one line of text.

A formula that stands alone becomes MathML. One inside a sentence becomes plain text with mathematical characters, which is
as high as the line: `\\frac{a}{b}` is (a)/(b). latex2mathml lets markup in a formula through, so the result is read again
here: with any element or attribute that is not listed, the formula becomes plain text.
"""

import html
import re
from xml.etree import ElementTree

from latex2mathml.converter import convert

_MATHML = "http://www.w3.org/1998/Math/MathML"
_ELEMENTS = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder",
    "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom",
}  # fmt: skip
_ATTRIBUTES = {
    "display", "displaystyle", "stretchy", "fence", "form", "separator", "lspace", "rspace", "minsize", "maxsize",
    "movablelimits", "linethickness", "scriptlevel", "width", "height", "depth", "columnalign",
}  # fmt: skip
_CHARACTERS = {
    "cdot": "·", "times": "×", "div": "÷", "pm": "±", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "neq": "≠",
    "approx": "≈", "sum": "∑", "prod": "∏", "infty": "∞", "in": "∈", "dots": "…", "ldots": "…", "cdots": "⋯", "top": "ᵀ",
    "to": "→", "rightarrow": "→", "leftarrow": "←", "gets": "←", "mapsto": "↦", "Rightarrow": "⇒", "propto": "∝",
    "sim": "∼", "equiv": "≡", "mid": "|", "quad": "  ", "odot": "⊙", "partial": "∂", "nabla": "∇", "ell": "ℓ",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
_SIZES = r"\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])"  # of brackets, which have one size in a line
_WORDS = r"\\(?:text|mathrm|operatorname|mathbf)\s*\{([^{}]*)\}"
_SUPERSCRIPTS = str.maketrans("0123456789+-nT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵀ")
_SUBSCRIPTS = str.maketrans("0123456789+-aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")


def plain_formula(tex: str) -> str:
    """Returns a formula in TeX as one line of text."""
    text = tex.strip().replace("^\\top", "ᵀ")
    text = re.sub(rf"([\^_])\s*{_WORDS}", r"\1{\2}", text)  # an index of several letters stays together
    text = re.sub(_SIZES, "", re.sub(_WORDS, r"\1", text))
    text = re.sub(r"\s*\\([,;:! ])\s*", lambda match: "" if match[1] == "!" else " ", text)  # spaces of a width
    for _ in range(4):  # nested groups, the innermost first
        text = re.sub(r"\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"(\1)/(\2)", text)
        text = re.sub(r"\\sqrt\s*\{([^{}]*)\}", r"√(\1)", text)
        text = re.sub(r"([\^_])\{([^{}]*)\}", lambda match: _script(match[1], match[2]), text)
    text = re.sub(r"([\^_])([A-Za-z0-9])", lambda match: _script(match[1], match[2]), text)
    text = re.sub(r"\\([A-Za-z]+)", lambda match: _CHARACTERS.get(match[1], match[1]), text)
    return re.sub(r"\\(.)", r"\1", text).replace("{", "").replace("}", "").replace("-", "−")


def _script(sign: str, text: str) -> str:
    """Returns an exponent (sign "^") or an index ("_") in small characters if all of it has them, else in brackets."""
    small = _SUPERSCRIPTS if sign == "^" else _SUBSCRIPTS
    if all(ord(c) in small for c in text):
        return text.translate(small)
    return f"{sign}({text})" if len(text) > 1 else sign + text


def formula_html(tex: str) -> str:
    """Returns a formula that stands alone, with or without dollar signs around it, as HTML."""
    tex = tex.strip().strip("$").strip()
    text = plain_formula(tex)
    return f'<div class="formula">{_mathml(tex, text) or html.escape(text)}</div>\n'


def _mathml(tex: str, text: str) -> str | None:
    """Returns a formula as MathML; None if it cannot be read, or has markup. text: the formula in plain text."""
    try:
        root = ElementTree.fromstring(convert(tex, display="block"))
    except Exception:  # latex2mathml's errors have no class in common, and some are Python's own
        return None
    for node in root.iter():
        namespace, _, name = node.tag.removeprefix("{").rpartition("}")
        is_known = namespace == _MATHML and name in _ELEMENTS and _ATTRIBUTES.issuperset(node.attrib)
        if not is_known or "\\" in (node.text or ""):  # a command that latex2mathml does not know
            return None
        node.tag = name
    root.set("alttext", text)
    return ElementTree.tostring(root, encoding="unicode")
