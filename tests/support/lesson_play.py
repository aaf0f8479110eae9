"""What the tests of the lessons do with a lesson that was played, whichever it is."""


def every_offer_decides(questions, model):
    """A question that offers another prompt where the learner's is too close has one that is not, on the embedded model."""
    offered = [one for one in questions if one._instead]
    assert offered
    for one in offered if "tales" in model else ():
        before = one._box.prompt
        one._answer_instead()
        assert not one.is_too_close, one.text
        one._box.run(before)
