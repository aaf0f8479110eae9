"""The words of the translator, English and French, with the forms that number and gender give them.

No word has two translations that its sentence cannot decide between, and no noun looks the same in both numbers. So every
phrase has one right translation.
"""

UNKNOWN = "?"  # stands for any word that is not listed here, in both languages and as every kind of word

# Singular in English: singular in French. Only the family has an owner ("my aunt").
MEN = {"boy": "garçon", "man": "homme", "king": "roi", "child": "enfant", "doctor": "médecin"}
WOMEN = {"girl": "fille", "woman": "femme", "queen": "reine"}
BROTHERS = {"brother": "frère", "uncle": "oncle"}
SISTERS = {"sister": "sœur", "aunt": "tante"}
ANIMALS_MASCULINE = {
    "dog": "chien", "cat": "chat", "bird": "oiseau", "horse": "cheval", "rabbit": "lapin", "wolf": "loup", "bear": "ours",
}  # fmt: skip
ANIMALS_FEMININE = {"cow": "vache", "mouse": "souris", "goat": "chèvre", "bee": "abeille", "ant": "fourmi"}
THINGS_MASCULINE = {
    "book": "livre", "hat": "chapeau", "garden": "jardin", "boat": "bateau", "tree": "arbre", "coat": "manteau",
    "bag": "sac", "bridge": "pont", "wall": "mur", "bed": "lit", "glass": "verre", "pencil": "crayon", "knife": "couteau",
    "gift": "cadeau", "aeroplane": "avion",
}  # fmt: skip
THINGS_FEMININE = {
    "house": "maison", "table": "table", "car": "voiture", "flower": "fleur", "door": "porte", "apple": "pomme",
    "chair": "chaise", "dress": "robe", "shirt": "chemise", "cup": "tasse", "room": "chambre", "street": "rue",
    "star": "étoile", "key": "clé", "bottle": "bouteille", "letter": "lettre", "lamp": "lampe", "box": "boîte", "island": "île",
    "school": "école",
}  # fmt: skip
FAMILY = {**BROTHERS, **SISTERS}
PEOPLE = {**MEN, **WOMEN, **FAMILY}
ANIMALS = {**ANIMALS_MASCULINE, **ANIMALS_FEMININE}
THINGS = {**THINGS_MASCULINE, **THINGS_FEMININE}
FEMININE = {*WOMEN, *SISTERS, *ANIMALS_FEMININE, *THINGS_FEMININE}
NOUNS = {**PEOPLE, **ANIMALS, **THINGS, UNKNOWN: UNKNOWN}
ENGLISH_PLURALS = {
    "man": "men", "woman": "women", "child": "children", "wolf": "wolves", "mouse": "mice", "knife": "knives",
    UNKNOWN: UNKNOWN,
}  # fmt: skip

# English: masculine and feminine in French. These follow their noun there.
AFTER = {
    "red": ("rouge", "rouge"), "blue": ("bleu", "bleue"), "green": ("vert", "verte"), "white": ("blanc", "blanche"),
    "black": ("noir", "noire"), "yellow": ("jaune", "jaune"), "brown": ("brun", "brune"), "grey": ("gris", "grise"),
    "pink": ("rose", "rose"), "round": ("rond", "ronde"), "heavy": ("lourd", "lourde"), "clean": ("propre", "propre"),
    "dirty": ("sale", "sale"), "cold": ("froid", "froide"), "warm": ("chaud", "chaude"), "modern": ("moderne", "moderne"),
    "strange": ("étrange", "étrange"), "strong": ("fort", "forte"), "calm": ("calme", "calme"), "sad": ("triste", "triste"),
    "clever": ("intelligent", "intelligente"), "brave": ("courageux", "courageuse"), "happy": ("heureux", "heureuse"),
    "famous": ("célèbre", "célèbre"), "patient": ("patient", "patiente"), "tired": ("fatigué", "fatiguée"),
    UNKNOWN: (UNKNOWN, UNKNOWN),
}  # fmt: skip
# These precede their noun, as in English.
BEFORE = {
    "small": ("petit", "petite"), "big": ("grand", "grande"), "pretty": ("joli", "jolie"), "bad": ("mauvais", "mauvaise"),
    "good": ("bon", "bonne"), "young": ("jeune", "jeune"), UNKNOWN: (UNKNOWN, UNKNOWN),
}  # fmt: skip
# Nobody is described by a colour.
OF_PEOPLE = {"strong", "calm", "sad", "clever", "brave", "happy", "famous", "patient", "tired", "good", "young"}
OF_THINGS = {*AFTER, *BEFORE} - OF_PEOPLE | {"good", "strong"}

# English singular and plural: French masculine, feminine and plural. "a" has no plural.
DETERMINERS = {
    ("the", "the"): ("le", "la", "les"), ("a", ""): ("un", "une", ""), ("this", "these"): ("ce", "cette", "ces"),
    ("my", "my"): ("mon", "ma", "mes"), ("his", "his"): ("son", "sa", "ses"), ("her", "her"): ("son", "sa", "ses"),
    ("our", "our"): ("notre", "notre", "nos"), ("their", "their"): ("leur", "leur", "leurs"),
    (UNKNOWN, UNKNOWN): (UNKNOWN, UNKNOWN, UNKNOWN),
}  # fmt: skip
OWNERS = ("my", "his", "her", "our", "their")
NUMERALS = {
    "two": "deux", "three": "trois", "four": "quatre", "five": "cinq", "six": "six", "seven": "sept", "eight": "huit",
    "nine": "neuf", "ten": "dix", UNKNOWN: UNKNOWN,
}  # fmt: skip
PREPOSITIONS = {"in": "dans", "on": "sur", "under": "sous", "behind": "derrière", "with": "avec", UNKNOWN: UNKNOWN}

# English singular and plural: French singular and plural, third person.
VERBS = {
    ("sees", "see"): ("voit", "voient"), ("draws", "draw"): ("dessine", "dessinent"),
    ("forgets", "forget"): ("oublie", "oublient"), ("hears", "hear"): ("entend", "entendent"),
    ("helps", "help"): ("aide", "aident"), ("thanks", "thank"): ("remercie", "remercient"),
    ("greets", "greet"): ("salue", "saluent"), ("calls", "call"): ("appelle", "appellent"),
    ("knows", "know"): ("connaît", "connaissent"), ("finds", "find"): ("trouve", "trouvent"),
    ("loves", "love"): ("aime", "aiment"), ("buys", "buy"): ("achète", "achètent"), ("sells", "sell"): ("vend", "vendent"),
    ("washes", "wash"): ("lave", "lavent"), ("hides", "hide"): ("cache", "cachent"),
    ("carries", "carry"): ("porte", "portent"), ("wants", "want"): ("veut", "veulent"),
    ("takes", "take"): ("prend", "prennent"), ("watches", "watch"): ("regarde", "regardent"),
    (UNKNOWN, UNKNOWN): (UNKNOWN, UNKNOWN),
}  # fmt: skip
VERB_FORMS = {form for forms in VERBS.values() for form in forms}  # in French
# What is done to people, and what is done to animals and things.
TO_PEOPLE = {"sees", "draws", "forgets", "hears", "helps", "thanks", "greets", "calls", "knows"}
TO_THINGS = {singular for singular, _ in VERBS} - TO_PEOPLE | {"sees", "draws", "forgets", "hears"}
BE = (("is", "are"), ("est", "sont"))

# Subjects: French, whether feminine, whether plural. Objects stand before the verb in French.
SUBJECTS = {"he": ("il", False, False), "she": ("elle", True, False), "they": ("ils", False, True)}
OBJECTS = {"him": "le", "her": "la", "them": "les", UNKNOWN: UNKNOWN}

# What a French word becomes before a vowel. An h at the beginning of a listed word is silent.
BEFORE_VOWEL = {"le": "l'", "la": "l'", "ce": "cet", "ma": "mon", "sa": "son"}
_VOWELS = "aeiouhéèêâîôûœ"


def begins_with_vowel(french: str) -> bool:
    """Whether a listed French word begins with the sound of a vowel."""
    return french[0] in _VOWELS


def english_plural(noun: str) -> str:
    """Returns the plural of a listed English noun."""
    return ENGLISH_PLURALS.get(noun) or noun + ("es" if noun.endswith(("s", "x", "ch")) else "s")


def french_plural(word: str) -> str:
    """Returns the plural of a listed French noun or adjective."""
    if word == UNKNOWN or word[-1] in "sx":
        return word
    return f"{word[:-2]}aux" if word.endswith("al") else f"{word}x" if word.endswith("eau") else f"{word}s"


def every_word() -> list[str]:
    """Returns every form of every word of both languages, sorted, each once."""
    adjectives = [form for table in (AFTER, BEFORE) for forms in table.values() for form in forms]
    nouns = [*NOUNS.values(), *adjectives]
    tables = (DETERMINERS, VERBS)
    words = {
        *NOUNS, *map(english_plural, NOUNS), *nouns, *map(french_plural, nouns), *AFTER, *BEFORE,
        *(form for table in tables for entry in table.items() for forms in entry for form in forms),
        *(word for table in (NUMERALS, PREPOSITIONS, OBJECTS) for entry in table.items() for word in entry),
        *(form for forms in BE for form in forms), *SUBJECTS, *(french for french, *_ in SUBJECTS.values()),
        *BEFORE_VOWEL.values(), "an",
    }  # fmt: skip
    return sorted(words - {""})
