"""How a wrong answer is shown: of two mappings, what differs."""

from tutor.checking.attempt import differing


def test_of_two_mappings_only_what_differs_is_shown():
    expected = {"n_embd": 12, "n_head": 3, "n_layer": 2}
    assert differing(expected, expected | {"n_head": 4}) == [("expected", "{'n_head': 3}"), ("got", "{'n_head': 4}")]
    assert differing(expected, {"n_embd": 12, "n_head": 3}) == [("expected", "{'n_layer': 2}"), ("got", "{}")]
    assert differing({"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}) == [("expected", "{}"), ("got", "{'c': 3}")]


def test_mappings_that_differ_in_everything_are_shown_whole():
    assert differing({"a": 1}, {"b": 1}) == [("expected", "{'a': 1}"), ("got", "{'b': 1}")]


def test_other_answers_are_shown_as_they_are():
    assert differing(3, None) == [("expected", "3"), ("got", "None")]
    assert differing({"a": 1}, [1]) == [("expected", "{'a': 1}"), ("got", "[1]")]
