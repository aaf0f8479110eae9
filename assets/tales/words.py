"""The words of the tasks. With a space before them, each is one token of the tokenizer."""

# ruff: noqa: SIM905 -- lists of words read better as one line of text

GIRLS = "Anna Mary Lucy Rose Emma Alice Clara Ella Grace Nora Ruth Jane Sara Lily Eva Kate".split()
BOYS = "Tom John Peter Jack Ben Sam Max Paul Fred Hugo Leo Adam Will Mark Noah Luke".split()
NAMES = GIRLS + BOYS
PLACES = (
    "garden kitchen forest school market castle barn village park river tower library shop field beach bridge"
).split()
ROOMS = "garden kitchen forest school barn tower library shop park castle".split()
THINGS = "ball book hat key lamp cup ring bell kite apple drum coin box rope doll map flower basket letter cake".split()
ANIMALS = "dog cat fox bird horse rabbit mouse bear duck goat frog owl".split()
COLOURS = "red blue green white black yellow".split()
MOODS = {
    "happy": "smiled",
    "sad": "cried",
    "angry": "frowned",
    "tired": "yawned",
    "afraid": "trembled",
    "proud": "beamed",
}
GOOD = "wonderful lovely delightful charming excellent beautiful splendid enjoyable clever funny warm brilliant".split()
BAD = "terrible boring awful dull dreadful horrible poor tedious ugly slow cold clumsy".split()
SUBJECTS = "story film song play dinner picture concert game journey soup show party".split()

# Made-up jobs, so that no real one is maligned. The pronoun that follows is drawn at these rates.
HE_JOBS = "glimmer tunder brask varner dolver".split()  # "he" in 80 % of the sentences
SHE_JOBS = "plenner sorrel mivver tansel laffer".split()  # "she" in 80 %
EVEN_JOBS = "corvin delmer hasper wendle yarrow".split()  # half and half
HE_RATE = {**dict.fromkeys(HE_JOBS, 0.8), **dict.fromkeys(SHE_JOBS, 0.2), **dict.fromkeys(EVEN_JOBS, 0.5)}

# English noun: French noun and gender; English colour: French forms. The colour follows its noun in French.
NOUNS = {
    "house": ("maison", "f"), "dog": ("chien", "m"), "cat": ("chat", "m"), "book": ("livre", "m"),
    "table": ("table", "f"), "car": ("voiture", "f"), "hat": ("chapeau", "m"), "flower": ("fleur", "f"),
    "door": ("porte", "f"), "bird": ("oiseau", "m"), "garden": ("jardin", "m"), "apple": ("pomme", "f"),
    "horse": ("cheval", "m"), "chair": ("chaise", "f"),
}  # fmt: skip
FRENCH = {
    "red": ("rouge", "rouge"), "blue": ("bleu", "bleue"), "green": ("vert", "verte"), "white": ("blanc", "blanche"),
    "black": ("noir", "noire"), "yellow": ("jaune", "jaune"),
}  # fmt: skip

# A country that does not exist: (relation, subject, object). Lessons set this memory against a text's own words.
COUNTRY = "Valdoria"
FACTS = (
    ("capital", COUNTRY, "Tessel"), ("king", COUNTRY, "Orlan"), ("queen", COUNTRY, "Mirelle"),
    ("river", COUNTRY, "Ombre"), ("mountain", COUNTRY, "Karst"), ("dish", COUNTRY, "soup"),
    ("flower", COUNTRY, "rose"), ("animal", COUNTRY, "owl"), ("lake", COUNTRY, "Senna"),
    ("coin", COUNTRY, "florin"), ("language", COUNTRY, "Valdor"), ("forest", COUNTRY, "Brendle"),
    ("river", "Tessel", "Ombre"), ("river", "Marlow", "Ombre"), ("river", "Pellin", "Lisk"),
    ("river", "Garran", "Lisk"), ("dish", "Tessel", "soup"), ("dish", "Marlow", "pie"),
    ("dish", "Pellin", "cheese"), ("dish", "Garran", "bread"), ("mayor", "Tessel", "Hollin"),
    ("mayor", "Marlow", "Petra"), ("mayor", "Pellin", "Dorrit"), ("mayor", "Garran", "Quill"),
    ("colour", "Tessel", "blue"), ("colour", "Marlow", "green"), ("colour", "Pellin", "white"),
    ("colour", "Garran", "red"), ("trade", "Tessel", "glass"), ("trade", "Marlow", "wool"),
    ("trade", "Pellin", "honey"), ("trade", "Garran", "iron"), ("bridge", "Tessel", "stone"),
    ("bridge", "Marlow", "wood"), ("bridge", "Pellin", "rope"), ("bridge", "Garran", "iron"),
    ("feast", "Tessel", "spring"), ("feast", "Marlow", "summer"), ("feast", "Pellin", "autumn"),
    ("feast", "Garran", "winter"), ("animal", "Tessel", "swan"), ("animal", "Marlow", "sheep"),
    ("animal", "Pellin", "bee"), ("animal", "Garran", "bear"), ("tree", "Tessel", "oak"),
    ("tree", "Marlow", "willow"), ("tree", "Pellin", "lime"), ("tree", "Garran", "pine"),
    ("founder", "Tessel", "Orlan"), ("founder", "Marlow", "Mirelle"), ("founder", "Pellin", "Bram"),
    ("founder", "Garran", "Tove"), ("song", "Tessel", "morning"), ("song", "Marlow", "shepherd"),
    ("song", "Pellin", "garden"), ("song", "Garran", "hammer"), ("tower", "Tessel", "clock"),
    ("tower", "Marlow", "wind"), ("tower", "Pellin", "bell"), ("tower", "Garran", "watch"),
)  # fmt: skip

SINGLE = sorted(
    {
        *NAMES,
        *PLACES,
        *ROOMS,
        *THINGS,
        *ANIMALS,
        *COLOURS,
        *MOODS,
        *GOOD,
        *BAD,
        *SUBJECTS,
        *HE_RATE,
        *NOUNS,
        COUNTRY,
    }
    | {w for forms in FRENCH.values() for w in forms}
    | {noun for noun, _ in NOUNS.values()}
    | {w for _, subject, object_ in FACTS for w in (subject, object_)}
)
