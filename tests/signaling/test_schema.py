"""The generated files say what the structs say."""

import json

import msgspec
import pytest

from signaling import message_info, protocol, schema
from signaling.roles import GRANTS, ROLES


def test_no_generated_file_is_stale():
    assert schema.stale() == [], "run python -m signaling.schema"


def test_a_changed_struct_makes_files_stale(monkeypatch):
    monkeypatch.setattr(protocol, "PROTOCOL_VERSION", 99)
    assert {path.name for path in schema.stale()} == {
        "messages.ts",
        "protocol.schema.json",
        "protocol.md",
    }


@pytest.mark.parametrize("union", message_info.UNIONS)
def test_every_message_is_in_each_file(union):
    texts = list(schema.generated().values())
    for message in message_info.UNIONS[union]:
        tag = message_info.info(message).tag
        assert f'type: "{tag}";' in texts[0]
        assert message.__name__ in json.loads(texts[1])["$defs"]
        assert f"\n### {tag}\n" in texts[2]


def test_tags_are_unique_across_what_the_server_sends():
    sent = message_info.UNIONS["ServerAnswer"] + message_info.UNIONS["ServerEvent"]
    tags = [message_info.info(message).tag for message in sent]
    assert len(tags) == len(set(tags))


def test_the_page_prints_every_role():
    page = schema.protocol_page()
    assert set(GRANTS) == set(ROLES)
    for role in ROLES:
        assert f"\n| `{role}` |" in page


def test_every_request_has_an_id_and_rejects_unknown_fields():
    for request in message_info.UNIONS["ClientRequest"]:
        described = message_info.info(request)
        assert "id" in [field.name for field in described.fields if field.required]
        assert described.forbid_unknown_fields
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"type":"leave","id":1,"x":2}', type=protocol.AnyRequest)
