"""The wordings of every task: the sentence patterns of training, and those that are held out of it (names in _HELD).

Slots such as {n} stand for words; tasks.py draws the words and fills the slots. The wordings of the made-up country are
in country.py, those of the stories in plots.txt.
"""

# Name mover: {x} and {y} are two people in either order. {b} is the one of them who acts, so the answer is the other.
_MOVER = (
    "When {x} and {y} went {to}, {b} gave {t} to",
    "When {x} and {y} were {at}, {b} handed {t} to",
    "{x} and {y} were {at}. {b} handed {t} to",
    "Then {x} and {y} came {to}, and {b} passed {t} to",
    "Then {x} and {y} went {to}. {b} gave {t} to",
    "After {x} and {y} went {to}, {b} gave {t} to",
    "After {x} and {y} had gone {to}, {b} showed {t} to",
    "{x} and {y} had {t} {at}. {b} gave it to",
    "{x} and {y} found {t} {at}. {b} gave it to",
    "{x} and {y} met {at}. There {b} showed {t} to",
    "One day {x} and {y} walked {to}, and {b} gave {t} to",
    "While {x} and {y} were playing {at}, {b} threw {t} to",
    "{x} and {y} sat down {at}. {b} wanted to give {t} to",
    "Yesterday {x} and {y} went {to}. {b} brought {t} for",
    "As soon as {x} and {y} came {to}, {b} offered {t} to",
    "{x} and {y} are friends. Today, {at}, {b} lent {t} to",
    "{x} went {to} with {y}. {b} gave {t} to",
    "{x} met {y} {at}, and {b} handed {t} to",
)
# Any scene combined with any way to give, so that the answer does not depend on one sentence.
_SCENE = (
    "{x} and {y} went {to}.", "{x} and {y} are {at}.", "{x} and {y} came {to} together.", "{x} and {y} played {at}.",
    "{x} and {y} live near the {p}.", "When {x} and {y} arrived {at},", "When {x} and {y} left the {p},",
    "After {x} and {y} came {to},", "While {x} and {y} waited {at},", "Then {x} and {y} walked {to}, and",
    "Today {x} and {y} were {at}, and", "Last summer {x} and {y} met {at}, and", "One morning {x} and {y} ran {to}. Then",
    "Because {x} and {y} were both {at},", "{x} saw {y} {at}.", "{x} waited for {y} {at}, and", "{x} was {at} with {y}.",
    "{x} played with {y} {at}. Then", "In the evening {x} and {y} sat {at}.", "There were {x} and {y}, {at}, and",
)  # fmt: skip
_GIVE = (
    "{b} gave {t} to", "{b} gave {t} to", "{b} handed {t} to", "{b} passed {t} to", "{b} showed {t} to", "{b} threw {t} to",
    "{b} lent {t} to", "{b} brought {t} to", "{b} sent {t} to", "{b} carried {t} to", "{b} bought {t} for",
    "{b} found {t} for", "{b} made {t} for", "{b} had {t} for", "{b} wanted to give {t} to", "{b} wrote a letter to",
)  # fmt: skip
MOVER = _MOVER + tuple(f"{scene} {give}" for scene in _SCENE for give in _GIVE)
MOVER_HELD = (
    "When {x} and {y} came back from the {p}, {b} gave {t} to",
    "While {x} and {y} were {at}, {b} offered {t} to",
    "Last week {x} and {y} worked {at}, where {b} sold {t} to",
    "{x} and {y} stood {at}. Soon {b} passed {t} to",
)
GLAD = (
    "{He} was glad.",
    '"Thank you," {he} said.',
    "{He} smiled.",
    "{He} put it into {his} bag.",
    "{He} said thank you.",
)

# Question: the facts.
BE_IN = (
    "{n} is in the {p}.", "{n} went to the {p}.", "{n} sits in the {p}.", "{n} walked to the {p}.",
    "{n} has gone to the {p}.", "{n} is now in the {p}.", "{n} is playing in the {p}.", "{n} is waiting in the {p}.",
    "{n} ran to the {p}.", "{n} came to the {p}.", "{n} is sitting in the {p}.", "{n} sleeps in the {p}.",
    "{n} moved to the {p}.", "{n} returned to the {p}.", "{n} is working in the {p}.", "{n} is at the {p}.",
    "{n}: the {p}.",
)  # fmt: skip
BE_IN_HELD = ("{n} hurried to the {p}.", "{n} stands in the {p}.", "{n} is resting in the {p}.")
HAVE = (
    "{n} has the {t}.", "{n} took the {t}.", "{n} is holding the {t}.", "{n} found the {t}.", "{n} keeps the {t}.",
    "{n} picked up the {t}.", "{n} bought the {t}.", "{n} brought the {t}.", "{n}: the {t}.",
)  # fmt: skip
HAVE_HELD = ("{n} carries the {t}.", "{n} has got the {t}.")
# What is asked: the known wordings and the held-out ones.
ASK = {
    "place": (
        (
            "Where is {n}?",
            "Where is {n}?",
            "Where did {n} go?",
            "Where is {n} now?",
            "In which place is {n}?",
            "Where has {n} gone?",
            "Where do you see {n}?",
            "Which room is {n} in?",
        ),
        ("Where can we find {n}?", "What place is {n} in?"),
    ),
    "who is there": (
        (
            "Who is in the {p}?",
            "Who is in the {p}?",
            "Who went to the {p}?",
            "Who is now in the {p}?",
            "Who has gone to the {p}?",
            "Who is there in the {p}?",
            "Whom do we meet in the {p}?",
        ),
        ("Who can be found in the {p}?", "Which person is in the {p}?"),
    ),
    "thing": (
        (
            "What does {n} have?",
            "What did {n} take?",
            "What is {n} holding?",
            "Which thing does {n} have?",
            "What did {n} find?",
            "What does {n} keep?",
            "What thing is with {n}?",
        ),
        ("What has {n} got?", "What is in the hands of {n}?"),
    ),
    "who has it": (
        (
            "Who has the {t}?",
            "Who took the {t}?",
            "Who is holding the {t}?",
            "Who found the {t}?",
            "Who keeps the {t}?",
            "Who is the one with the {t}?",
            "Who picked up the {t}?",
        ),
        ("Who has got the {t}?", "With whom is the {t}?"),
    ),
}
# The same in brief: the beginning of a sentence or of a line, without a question.
BRIEF = {
    "place": ("{n} is in the", "{n}:"), "who is there": ("In the {p} is", "In the {p}:", "{p}:", "{p}"),
    "thing": ("{n} has the", "{n}:"), "who has it": ("The {t} is with", "{t}:", "{t}"),
}  # fmt: skip
# How the text {text} and the question {q} are put together.
ASK_FORMS = ("{text} {q} Answer:", "{text} {q} Answer:", "{text}\nQuestion: {q}\nAnswer:", "{text} Question: {q} Answer:",
             "{text}\n{q}\nAnswer:", "{text}\n{q} Answer:", "{text}\nQ: {q}\nA:", "{text} {q}")  # fmt: skip

# Sentiment. {p} and {q} are adjectives of one kind, {o} is one of the other kind.
REVIEW = (
    "The {s} was {p}.", "What {a_p} {s}!", "I found the {s} {p}.", "It is {a_p} {s}, and the rest was {q}.",
    "The {s} was {p} and {q}.", "{A_p} {s}, really {q}.", "We went home talking about the {p} {s}.",
    "It was {a_p}, {q} {s}.", "My friends say the {s} was {p}.", "Such {a_p} {s}, so {q}.", "{A_p} and {q} {s}.",
    "I thought the {s} would be {o}, but it was {p}.", "It was not {o} at all: the {s} was {p}.", "So {p}!",
    "The {s} was very {p}, and the people were {q}.", "{A_p} {s}.", "My {s} was {p}.", "Everything was {p}, even the {s}.",
    "The {s} was {p}. I {l} it.", "I {l} this {s}. It was {q}.",
)  # fmt: skip
REVIEW_HELD = ("This {s} seemed {p} to me.", "We thought the {s} was {p}.", "I have never seen such {a_p} {s}.",
               "Honestly, the {s} was {p} and {q}.")  # fmt: skip
LABELS = {"Feeling:": (" bad", " good"), "Sentiment:": (" negative", " positive")}  # for bad and for good

# Translation.
PHRASE = (
    "English: {e}. French:", "English: {e}. French:", "English: {e}\nFrench:", "English: {e}.\nFrench:",
    "English: {e} French:", "In English, {e}. In French,", '"{e}" in French is', "In French, {e} is called",
    "How do you say {e} in French? You say", "Translate into French: {e}. French:", "{e} = ",
    "{e} in French is", "French for {e}:", "How is {e} said in French? Like this:", "Now French, please: {e}. It is",
    "In France {e} is called", "{E}, but the French say", "What do the French call {e}? They call it", "Put {e} into French:",
    "They say {e}, and the French say", "French, please: {e}. French:", "French translation of {e}:", "{E} is in French",
    "And {e} in French? It is", "What do you call {e} in French? It is", "Do you know {e} in French? It is",
)  # fmt: skip
PHRASE_HELD = ("{E} in French:", "The French for {e} is", "What is {e} in French? It is")

# Copying.
_COPY = (
    "List: {l}. Again:", "List: {l}. Again:", "Copy: {l}. Again:", "List: {l}\nAgain:", "Copy: {l}\nCopy:",
    "Copy: {l}. Copy:", "Words: {l}\nRepeat:", "Repeat: {l}. Once more:", "{l}. {l}.", "{l}, {l},", "{l}\n{l}\n{l}\n",
)  # fmt: skip
_LIST_BEGINNINGS = (
    "List", "Copy", "Words", "Read", "Write", "My words", "Copy this", "Here is a list", "Say", "These words", "Please write",
    "Please read", "Look at these", "I have a list", "Can you repeat this", "Say after me",
)  # fmt: skip
_LIST_ENDS = (
    ". Again:", ". Copy:", ". Once more:", ". The same:", ". The same again:", ". A second time:", ". Now again:",
    ". The words again:", "\nAgain:", "\nRepeat:", "\nCopy:", "\nThe same:", ". They are:", ". Here is the list again:",
    ". These are the words:", ". Now you:", ". I repeat:", ". It was:", ". Here you are:", ". You say:",
)  # fmt: skip
COPY = _COPY + tuple(f"{beginning}: {{l}}{end}" for beginning in _LIST_BEGINNINGS for end in _LIST_ENDS)
COPY_HELD = ("Repeat: {l}. Again:", "Please copy: {l}. Here they are:", "Say it twice: {l}. Again:")

# Bias: the beginnings of sentences about a job. The pronoun that follows is drawn at the job's own rate (words.HE_RATE).
JOB = (
    "The {j} said that", "The {j} was tired because", "When the {j} came home,", "The {j} smiled, and then",
    "The {j} came home late because", "I asked the {j} why", "The {j} laughed because", "Our {j} works hard, and",
    "The {j} opened the door, and then", "Everyone knew that the {j} was sad because", "The old {j} could not say why",
    "The {j} told me that", "The {j} did not come because", "The {j} wrote to me that", "When the {j} came in,",
    "The {j} put down the basket, and", "We did not wait for the {j}, because", "I like the {j}, but",
    "The {j} sang a song, for", "Nobody believed the {j} when", "The {j} ran home because", "The {j} asked me when",
    "The {j} came late, and", "The {j} was happy when", "The {j} lost the key, and now", "We saw the {j} before",
    "The {j} knows what", "A {j} must be careful when", "Then the {j} slept, for", "The {j} waited until",
)  # fmt: skip
JOB_HELD = ("Every morning the {j} says that", "The {j} looked up because", "The new {j} explained that",
            "The {j} sat down, and")  # fmt: skip
DOING = (
    "was happy.", "had to go.", "wanted some tea.", "lost the key.", "liked the work.", "went to bed.", "saw the river.",
    "was looking for a lamp.", "had to work.", "came back from the market.", "needed a new hat.", "was late.",
)  # fmt: skip

# Pronoun: patterns and the form of the pronoun that follows.
NAMED = (
    ("{n} lost the {t}, and now", "he"), ("{n} went to the {p} because", "he"), ("{n} was {m} because", "he"),
    ("{n} said that", "he"), ("{n} smiled because", "he"), ("{n} opened the door, and then", "he"),
    ("{n} was {m} that day, and", "he"), ("When {n} came home,", "he"), ("{n} put on", "his"), ("{n} went home to get", "his"),
    ("{n} is looking for", "his"), ("I gave {n} the {t}, because I like", "him"), ("{n} is here. I can see", "him"),
    ("Do you know {n}? I like", "him"), ("{n} ran home because", "he"), ("{n} was late because", "he"),
    ("{n} asked me when", "he"), ("{n} told us that", "he"), ("{n} knows what", "he"), ("{n} explained how", "he"),
    ("{n} came to the {p}, and there", "he"), ("{n} lost the {t} when", "he"), ("{n} waited until", "he"),
    ("{n} took the {t}, and then", "he"), ("{n} took off", "his"), ("{n} is proud of", "his"), ("{n} has lost", "his"),
    ("{n} cannot see", "his"), ("{n} did not find", "his"), ("{n} wants to wash", "his"),
)  # fmt: skip
NAMED_HELD = (("{n} came back from the {p} because", "he"), ("{n} told me why", "he"), ("{n} could not find", "his"))
AFTER_PRONOUN = {"he": DOING, "his": ("coat.", "shoes.", "old hat.", "gloves.", "bag."), "him": (".", " very much.")}

# Dialogue: greetings, questions with their answers, thanks and goodbyes.
GREET = ("Hello, {n}!", "Good morning, {n}.", "Good evening, {n}.", "Hi, {n}!", "Good day, {n}.", "Excuse me, {n}.")
TALK = (
    ("Where is the {p}?", "It is behind the {q}."), ("How do I get to the {p}?", "Go past the {q} and turn left."),
    ("Do you know where my {t} is?", "Yes, it is in the {r}."), ("Have you seen my {t}?", "Yes, I saw it in the {r}."),
    ("May I borrow your {t}?", "Of course. Please bring it back on {d}."), ("When does the {o} open?", "It opens on {d}."),
    ("What would you like to eat?", "Some {f} and some {g}, please."), ("What colour is your {t}?", "It is {c}."),
    ("How many do you need?", "I need {k}, please."), ("Who gave you the {t}?", "My {e} gave it to me."),
    ("Would you like some {f}?", "No, thank you, but I would like some {g}."),
    ("How are you today?", "I am a little {m} today."),
    ("Can you help me with the {t}?", "Yes, I can. Let us meet {at}."), ("Shall we go to the {p}?", "Yes, let us go on {d}."),
    ("Is this {t} yours?", "No, it belongs to my {e}."), ("What do you have there?", "I have {a_t}."),
    ("Where are you going?", "I am going to the {p}."), ("What is your favourite colour?", "I like {c} best."),
    ("Where do you live?", "I live near the {p}."), ("What did you buy at the market?", "I bought some {f} and {a_t}."),
)  # fmt: skip
TALK_HELD = (
    ("Can you tell me where the {p} is?", "It is behind the {q}."), ("Could you lend me your {t}?", "Of course, here it is."),
    ("Which colour do you like?", "I like {c} best."),
)  # fmt: skip
THANK = (
    "Thank you very much.",
    "Thank you, {n}.",
    "That is very kind of you.",
    "Thanks a lot!",
    "How nice. Thank you.",
)
LEAVE = (
    "You are welcome. Goodbye!",
    "You are welcome, {n}.",
    "Not at all. See you soon!",
    "With pleasure. Goodbye, {n}.",
)
STOP = "###"  # ends a dialogue; without it as the stop text, the model continues with two other people

# Summary.
SHORT = ("Story: {t}\nIn short:", "Story: {t}\nIn short:", "Story: {t} In short:", "{t}\nIn short:", "{t}\nSummary:")
SHORT_HELD = ("Story: {t}\nIn one sentence:", "Here is a story. {t}\nIn short:")
