"""Makes the translator's tokenizer: each word of both languages is one token, so that a token is a word and a map has words.

A word has its space with it, as "▁tree", but not after an apostrophe: "l'arbre" is "▁l'" and "arbre". Capitals are read as
small letters. Every other word is the token "▁?".
"""

import lexicon as w
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

PAD, START, END = "<pad>", "<s>", "</s>"
SPACE = "▁"
UNKNOWN = f"{SPACE}{w.UNKNOWN}"
LONGEST = 64  # tokens


def vocabulary() -> list[str]:
    """Returns every token, in the order of their ids."""
    words = [word for word in w.every_word() if word != w.UNKNOWN]
    elided = sorted({word for word in (*w.NOUNS.values(), *w.VERB_FORMS) if w.begins_with_vowel(word)})
    return [PAD, START, END, UNKNOWN, ".", *(f"{SPACE}{word}" for word in words), *elided]


def word_tokenizer() -> PreTrainedTokenizerFast:
    """Returns the tokenizer, which ends each text with the token </s>."""
    ids = {token: id for id, token in enumerate(vocabulary())}
    backend = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    spaces = normalizers.Replace(Regex(r"\s+"), " ")
    backend.normalizer = normalizers.Sequence(
        [normalizers.Lowercase(), normalizers.Replace("’", "'"), spaces, normalizers.Strip()]
    )
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(SPACE, prepend_scheme="always"),
            pre_tokenizers.Split(Regex("[.,;:!]"), "isolated"),
            pre_tokenizers.Split("'", "merged_with_previous"),
        ]
    )
    backend.decoder = decoders.Metaspace(SPACE, prepend_scheme="always")
    backend.post_processor = processors.TemplateProcessing(single=f"$A {END}", special_tokens=[(END, ids[END])])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=START,
        eos_token=END,
        pad_token=PAD,
        model_max_length=LONGEST,
        clean_up_tokenization_spaces=False,
    )
