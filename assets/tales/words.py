"""The words of the tasks and stories. Each word is one token of the tokenizer when a space comes before it.

The sentences are in plots.txt and in the task files, and the facts about the made-up country in country.py.
"""

# ruff: noqa: SIM905 -- lists of words read better as one line of text

# Every name always has the same pronoun, so that it is always clear who is meant.
GIRLS = (
    "Anna Mary Lucy Rose Emma Alice Clara Ella Grace Nora Ruth Jane Sara Lily Eva Kate "
    "Helen Julia Laura Maria Molly Nina Amina Leila Mei Sophie Susan Tina Vera Zoe"
).split()
BOYS = (
    "Tom John Peter Jack Ben Sam Max Paul Fred Hugo Leo Adam Mark Noah Luke Oscar "
    "Henry David Omar Felix George Harry Ravi Toby Ali Martin Oliver Simon Theo Victor"
).split()
NAMES = GIRLS + BOYS

# Each place and its preposition ("in the park", "at the market").
PLACES = {
    "garden": "in", "kitchen": "in", "forest": "in", "school": "at", "market": "at", "castle": "in", "barn": "in",
    "village": "in", "park": "in", "river": "by", "tower": "in", "library": "in", "shop": "in", "field": "in",
    "beach": "on", "bridge": "on", "station": "at", "farm": "on", "hill": "on", "lake": "by", "mill": "at",
    "square": "in", "harbour": "at", "meadow": "in",
}  # fmt: skip
OUTSIDE = "garden forest market village park river field beach hill lake square meadow".split()
ROOMS = (
    "garden kitchen forest school barn tower library shop park castle village meadow hall cellar bedroom office"
).split()

THINGS = (
    "ball book hat key lamp cup ring bell kite apple drum coin box rope doll map flower basket letter cake "
    "pen bag scarf mirror spoon stone candle shell button feather flute clock blanket coat glove ribbon jar umbrella "
    "picture pencil"
).split()
LOSABLE = (
    "ball book hat key cup ring bell kite drum coin doll map basket scarf spoon button feather flute ribbon".split()
)
TOYS = "ball kite drum doll boat train puppet horse bear".split()
FRAGILE = "boat train puppet horse drum doll".split()
ANIMALS = (
    "dog cat fox bird horse rabbit mouse bear duck goat frog owl pig sheep cow hen donkey squirrel hedgehog turtle"
).split()
SMALL_ANIMALS = "dog cat fox bird rabbit mouse duck goat frog owl squirrel hedgehog turtle".split()
FOODS = "bread cheese soup milk honey butter rice fish tea juice pie salad jam fruit cake water".split()
CROPS = "beans carrots tomatoes onions strawberries pumpkins".split()
SOLID = "bread cheese cake pie fruit salad".split()  # what can be carried in a basket
COLOURS = "red blue green white black yellow brown grey pink orange".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
NUMBERS = "two three four five six seven eight nine ten".split()
KIN = "mother father grandmother grandfather aunt uncle sister brother".split()
ELDERS = "mother father grandmother grandfather aunt uncle".split()
TRAITS = "kind brave clever curious shy patient cheerful quiet gentle friendly honest lively careful helpful".split()

# Each mood and what a person in that mood does.
MOODS = {
    "happy": "smiled", "sad": "sighed", "angry": "frowned", "tired": "yawned", "afraid": "trembled",
    "proud": "beamed", "lonely": "wept", "cold": "shivered", "surprised": "blinked", "glad": "laughed",
}  # fmt: skip

GOOD = (
    "wonderful lovely delightful charming excellent beautiful splendid enjoyable clever funny warm brilliant "
    "great perfect exciting amazing pleasant fantastic superb marvellous"
).split()
BAD = (
    "terrible boring awful dull dreadful horrible poor tedious ugly slow cold clumsy "
    "bad weak tiring annoying disappointing foolish unpleasant miserable"
).split()
SUBJECTS = (
    "story film song play dinner picture concert game journey soup show party book lesson trip dance meal"
).split()

# Made-up jobs, so that no real job is insulted. The pronoun after a job is drawn at exactly these rates.
HE_JOBS = "glimmer tunder brask varner dolver".split()  # "he" in 80 % of the sentences
SHE_JOBS = "plenner sorrel mivver tansel laffer".split()  # "he" in 20 %
EVEN_JOBS = "corvin delmer hasper wendle yarrow".split()  # half and half
HE_RATE = {**dict.fromkeys(HE_JOBS, 0.8), **dict.fromkeys(SHE_JOBS, 0.2), **dict.fromkeys(EVEN_JOBS, 0.5)}

# English noun: French noun and gender.
NOUNS = {
    "house": ("maison", "f"), "dog": ("chien", "m"), "cat": ("chat", "m"), "book": ("livre", "m"),
    "table": ("table", "f"), "car": ("voiture", "f"), "hat": ("chapeau", "m"), "flower": ("fleur", "f"),
    "door": ("porte", "f"), "bird": ("oiseau", "m"), "garden": ("jardin", "m"), "apple": ("pomme", "f"),
    "horse": ("cheval", "m"), "chair": ("chaise", "f"), "boat": ("bateau", "m"), "bread": ("pain", "m"),
    "cheese": ("fromage", "m"), "tree": ("arbre", "m"), "dress": ("robe", "f"), "shirt": ("chemise", "f"),
    "coat": ("manteau", "m"), "rabbit": ("lapin", "m"), "fish": ("poisson", "m"), "cup": ("tasse", "f"),
    "bag": ("sac", "m"), "bridge": ("pont", "m"), "wall": ("mur", "m"), "bed": ("lit", "m"), "room": ("chambre", "f"),
    "street": ("rue", "f"), "star": ("étoile", "f"), "key": ("clé", "f"), "cow": ("vache", "f"), "ball": ("balle", "f"),
    "glass": ("verre", "m"), "pencil": ("crayon", "m"),
}  # fmt: skip
# Colours follow their noun in French and agree with it.
FRENCH = {
    "red": ("rouge", "rouge"), "blue": ("bleu", "bleue"), "green": ("vert", "verte"), "white": ("blanc", "blanche"),
    "black": ("noir", "noire"), "yellow": ("jaune", "jaune"), "brown": ("brun", "brune"), "grey": ("gris", "grise"),
    "pink": ("rose", "rose"), "round": ("rond", "ronde"),
}  # fmt: skip
# These precede their noun, as in English. They show whether the model has learned the order of the others.
FRENCH_BEFORE = {"small": ("petit", "petite"), "big": ("grand", "grande"), "pretty": ("joli", "jolie")}


def a(word: str) -> str:
    """Returns the word with its indefinite article: "a book", "an apple", "an honest man"."""
    return ("an " if word[0].lower() in "aeiou" or word.startswith("honest") else "a ") + word


def single() -> list[str]:
    """Returns every listed word. The tokenizer keeps each as one token after a space."""
    lists = (
        NAMES, PLACES, OUTSIDE, ROOMS, THINGS, LOSABLE, TOYS, ANIMALS, SMALL_ANIMALS, FOODS, CROPS, SOLID, FRAGILE, COLOURS, DAYS,
        NUMBERS, KIN, ELDERS, TRAITS, MOODS, MOODS.values(), GOOD, BAD, SUBJECTS, HE_RATE, NOUNS, FRENCH,
        FRENCH_BEFORE, *FRENCH.values(), *FRENCH_BEFORE.values(), (noun for noun, _ in NOUNS.values()),
        ("le", "la", "un", "une", "good", "bad", "he", "she"),
    )  # fmt: skip
    return sorted({word for words in lists for word in words})
