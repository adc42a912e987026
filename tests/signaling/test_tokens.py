"""What a token says comes back; nothing else opens a room."""

import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from signaling.protocol import Grants
from signaling.roles import ROLES, grants_of
from signaling.tokens import Claims, TokenError, TokenVerifier, encode

KEY = Ed25519PrivateKey.generate()
VERIFIER = TokenVerifier({"k1": KEY.public_key()})


def claims(**changes):
    given = {"subject": "s1", "room": "ward-3", "role": "specialist", "expires": 4_000_000_000}
    return Claims(**(given | changes))


def raw(payload, key=KEY, kid="k1", algorithm="EdDSA"):
    whole = {"iss": "distal", "aud": "distal", "sub": "s1", "exp": 4_000_000_000}
    whole |= {"room": "ward-3", "role": "host"} | payload
    whole = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(whole, key, algorithm=algorithm, headers={"kid": kid} if kid else {})


@given(
    st.builds(
        claims,
        role=st.sampled_from(ROLES),
        name=st.none() | st.text(min_size=1, max_size=80),
        institution=st.text(max_size=120),
        subject=st.text(min_size=1, max_size=64),
        room=st.sampled_from(["demo", "病房-3", "a.b~c"]),
    )
)
def test_claims_come_back_as_they_were(said):
    assert VERIFIER.verify(encode(said, KEY, "k1")) == said


def test_grants_are_the_roles_unless_the_token_says_otherwise():
    assert VERIFIER.verify(encode(claims(role="student"), KEY, "k1")).grants == grants_of("student")
    own = Grants(publish=["audio"], classes=["talk"], subscribe=True)
    token = encode(claims(role="student", grants=own), KEY, "k1")
    assert VERIFIER.verify(token).grants == own


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "not valid"),
        ("a.b.c", "not valid"),
        ("é.é.é", "not valid"),
        ("x" * 9000, "too long"),
        (raw({}, kid=None), "not known"),
        (raw({}, kid="k2"), "not known"),
        (raw({}, key=Ed25519PrivateKey.generate()), "not valid"),
        (raw({"exp": int(time.time()) - 1}), "expired"),
        (raw({"exp": None}), "not valid"),
        (raw({"iss": "other"}), "not valid"),
        (raw({"aud": "other"}), "not valid"),
        (raw({"role": "king"}), "claims"),
        (raw({"room": ""}), "claims"),
        (raw({"room": "a/b"}), "claims"),
        (raw({"room": "a\n"}), "claims"),
        (raw({"grants": {"publish": ["smell"]}}), "claims"),
    ],
)
def test_a_bad_token_is_refused_with_its_reason(token, why):
    with pytest.raises(TokenError, match=why):
        VERIFIER.verify(token)


def test_only_the_pinned_algorithm_counts():
    public = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    for forged in (
        raw({}, key=public, algorithm="HS256"),
        raw({}, key=None, algorithm="none"),
    ):
        with pytest.raises(TokenError):
            VERIFIER.verify(forged)


@given(st.data())
def test_a_changed_character_is_noticed(data):
    token = encode(claims(), KEY, "k1")
    # The last characters of base64 hold bits that decode to nothing: leave the very last alone.
    place = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("ABCxyz019-_."))
    changed = token[:place] + other + token[place + 1 :]
    if changed != token:
        with pytest.raises(TokenError):
            VERIFIER.verify(changed)
