"""The texts that several still pictures and handouts share, in each language. A view has its own in `phrases.py`.

The texts of a view on the page are in its `words.js`.
"""

PHRASES = {
    "en": {
        "covered": "Covered until you answer the question about it.",
        "unfilled": "The model runs on a server, which reveals tokens and probabilities, and nothing of what is inside.",
        "fill": "Load it here, with gptviz.load(name), to see its inside.",
        "reads": "{model} reads {count} tokens:",
        "copy": "This is a copy to read and to try out. Views, sliders and questions work here without running a "
        "cell. Anything that needs the model says so.",
        "absent": "{what} is not in this page: it needs the notebook with its kernel.",
    },
    "zh": {
        "covered": "在你回答关于它的问题之前，这里是盖住的。",
        "unfilled": "模型在服务器上运行；服务器只透露词元和概率，内部的值无从得知。",
        "fill": "用 gptviz.load(name) 在这里加载模型，才能看到它的内部。",
        "reads": "{model} 读入 {count} 个词元：",
        "copy": "这是可以阅读和试用的副本。视图、滑块和问题在这里都能用，不必运行任何单元。需要模型的地方会说明。",
        "absent": "{what} 不在本页中：它需要带内核的笔记本。",
    },
}


def phrase(language: str, name: str, **values: object) -> str:
    """Returns the phrase of this name with its values filled in."""
    return PHRASES[language][name].format(**values)
