"""Chat templates as models have them, written for the tests, and tokenizers that have them. No test needs a download."""

from typing import Any

from families import tokenizer

# Each message between two marks, as most models have it now.
CHATML = (
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# A start token before all messages, headers between two marks, and contents that are trimmed.
LLAMA_3 = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
# A system message that nobody wrote, if there is none.
DEFAULT_SYSTEM = "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou help.<|im_end|>\n{% endif %}" + CHATML
# The system's content inside the user's message, no mark of its own, and turns that must alternate.
MERGED_SYSTEM = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{% set system = messages[0]['content'] + '\n\n' %}{% set turns = messages[1:] %}"
    "{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}"
    "{% for message in turns %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}"
    "[INST] {{ system if loop.first else '' }}{{ message['content'] | trim }} [/INST]"
    "{% else %} {{ message['content'] | trim }} </s>{% endif %}"
    "{% endfor %}"
)
# What a model thought before its answer is kept in the last answer only.
THINKING = (
    "{% for message in messages %}{% set content = message['content'] %}"
    "{% if message['role'] == 'assistant' and not loop.last %}{% set content = content.split('</think>')[-1] %}{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{{ content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# A system message is dropped.
WITHOUT_SYSTEM = CHATML.replace("in messages %}", "in messages if message['role'] != 'system' %}")
# No marks at all, and the separator comes before each turn but the first.
PLAIN = (
    "{% for message in messages %}{% if not loop.first %}{{ '\n' }}{% endif %}"
    "{{ {'user': 'Q', 'assistant': 'A', 'system': 'S'}[message['role']] }}: {{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '\nA:' }}{% endif %}"
)
# With transformers' own tags around what an answer is, which `return_assistant_tokens_mask` reads. `BODY` stands for it.
_TAGGED = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' %}{% generation %}BODY{% endgeneration %}"
    "{% else %}{{ message['content'] }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\nASKED{% endif %}"
)
_BODY = "{{ message['content'] }}<|im_end|>\n"
TAGGED = {
    "ChatML": _TAGGED.replace("BODY", _BODY).replace("ASKED", ""),
    # The generation prompt opens a thought, and given answers have none; as some models that reason have it.
    "opened thought": _TAGGED.replace("BODY", _BODY).replace("ASKED", "<think>\n"),
    "no thought": _TAGGED.replace("BODY", _BODY).replace("ASKED", "<think>\n\n</think>\n\n"),
    # The last answer has a thought, an empty one if the content has none; earlier ones lose theirs.
    "thought at last": _TAGGED.replace(
        "BODY",
        "{% set parts = message['content'].split('</think>') %}{% if loop.last %}"
        "<think>\n{{ parts[0].split('<think>')[-1].strip('\n') if parts[1:] else '' }}\n</think>\n\n{% endif %}"
        "{{ parts[-1].lstrip('\n') }}<|im_end|>\n",
    ).replace("ASKED", ""),
    # The last answer ends in another way.
    "another end": _TAGGED.replace(
        "BODY",
        "{{ message['content'] }}{% if loop.last and not add_generation_prompt %}<|eot_id|>{% else %}<|im_end|>\n{% endif %}",
    ).replace("ASKED", ""),
    # The end token follows the whole chat.
    "closed chat": _TAGGED.replace("BODY", _BODY).replace("ASKED", "").removesuffix("{% endif %}")
    + "{% else %}{% generation %}</s>{% endgeneration %}{% endif %}",
    # No marks at all.
    "plain": (
        "{% for message in messages %}{{ message['role'] }}: "
        "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}</s>\n\n{% endgeneration %}"
        "{% else %}{{ message['content'] }}\n\n{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    ),
}
# The messages in capitals: nobody can tell where a content is.
SHOUTED = "{% for message in messages %}{{ message['content'] | upper }} {% endfor %}"

MARKS = ["<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
VOCAB = 263 + len(MARKS) + 1  # the bytes, merges and marks of `chatty`, rounded up to an even number


def chatty(template: str | None, *, start: bool = True, **keywords: Any) -> Any:
    """Returns a byte-level tokenizer with a template and with the marks of all of them as special tokens.

    start: whether it puts a start token before every other text.
    """
    result = tokenizer(start=start)
    result.add_special_tokens({"additional_special_tokens": MARKS})
    result.chat_template = template
    for name, value in keywords.items():
        setattr(result, name, value)
    return result


def chat(*contents: str, system: str | None = None) -> list[dict[str, str]]:
    """Returns messages with these contents, of the user and the assistant in turn."""
    first = [] if system is None else [{"role": "system", "content": system}]
    turns = [{"role": ("user", "assistant")[i % 2], "content": content} for i, content in enumerate(contents)]
    return first + turns


def applied(tokenizer: Any, messages: list[dict[str, str]]) -> list[int]:
    """Returns transformers' own ids of messages, without a generation prompt after an answer of the assistant."""
    prompted = messages[-1]["role"] != "assistant"
    return list(tokenizer.apply_chat_template(messages, add_generation_prompt=prompted)["input_ids"])
