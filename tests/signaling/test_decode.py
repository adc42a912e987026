"""What comes in is either a request or a refusal that says where and why."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling import protocol as p
from signaling.decode import decode, request_id
from signaling.message_info import UNIONS
from signaling.refusal import Refused

PUBLISH = {"type": "publish", "id": 7, "transport": "publish:main", "sdp": "v=0"}


@pytest.mark.parametrize(
    ("message", "field", "reason"),
    [
        ("", None, "not JSON"),
        ("{", None, "not JSON"),
        ("nonsense", None, "not JSON"),
        ('{"x":' + "[" * 100_000, None, "deep"),
        ("[]", None, "Expected object, got array"),
        ("{}", "type", "missing required field type"),
        ('{"type":"dance","id":1}', "type", "Invalid value 'dance'"),
        ('{"type":"ping"}', "id", "missing required field id"),
        ('{"type":"ping","id":-1}', "id", ">= 0"),
        ('{"type":"ping","id":1,"x":2}', "x", "unknown field"),
        ('{"type":"join","id":1,"name":""}', "name", "length >= 1"),
        ('{"type":"join","id":1,"capabilities":{"audio":[1]}}', "capabilities.audio[0]", "str"),
        (json.dumps(PUBLISH | {"media": [{"mid": 1}]}), "media[0].mid", "Expected str"),
        (json.dumps(PUBLISH | {"media": [{"mid": "0"}]}), "media[0].source", "source"),
        (json.dumps(PUBLISH | {"media": [], "transport": "publish:"}), "transport", "regex"),
        (json.dumps({"type": "chat", "id": 1, "text": "x" * 4001}), "text", "length <= 4000"),
    ],
)
def test_a_refusal_names_field_and_reason(message, field, reason):
    with pytest.raises(Refused) as caught:
        decode(message)
    assert caught.value.code == "malformed"
    assert caught.value.field == field
    assert reason in caught.value.reason


def test_the_id_is_found_in_a_message_that_is_otherwise_wrong():
    assert request_id('{"type":"dance","id":7}') == 7
    for nothing in (
        "",
        "[]",
        '{"id":"7"}',
        '{"id":true}',
        '{"id":-1}',
        '{"id":1.5}',
        '{"id":1e99}',
    ):
        assert request_id(nothing) == -1


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
TYPES = [m.__struct_config__.tag for m in UNIONS["ClientRequest"]]
NAMES = sorted({f.name for m in UNIONS["ClientRequest"] for f in msgspec.structs.fields(m)})
nearly = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES), "id": st.integers(0, 99)},
    optional={name: anything for name in NAMES if name != "id"},
)


@given(st.binary() | st.text() | st.builds(json.dumps, anything | nearly))
def test_nothing_but_a_refusal_comes_of_garbage(data):
    assert -1 <= request_id(data) < 2**53
    try:
        request = decode(data)
    except Refused as refused:
        answer = refused.answer(-1)
        assert msgspec.json.decode(p.encode(answer), type=p.Error) == answer
    else:
        assert isinstance(request, p.Request)


@given(st.sampled_from(TYPES), st.data())
def test_a_cut_or_changed_message_is_refused_or_read(tag, data):
    text = json.dumps({"type": tag, "id": 3, "text": "a", "name": "b", "sdp": "v=0"})
    place = data.draw(st.integers(0, len(text) - 1))
    for changed in (text[:place], text[:place] + data.draw(st.characters()) + text[place + 1 :]):
        try:
            decode(changed)
        except Refused as refused:
            assert refused.reason
