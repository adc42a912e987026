"""How the notes of the pages become the legs of a picture's way."""

from loadtests.film_session import legs


def test_a_picture_is_followed_from_the_hand_to_the_screen() -> None:
    led = [(0.0, "hand", ""), (10.0, "out", "1"), (50.0, "hand", ""), (61.0, "out", "2")]
    idle = [(14.0, "in", "1"), (66.0, "in", "2")]
    busy = [(20.0, "in", "1"), (70.0, "in", "2"), (90.0, "drawn", "2"), (99.0, "drawn", "7")]
    found = legs(led, idle, [busy])
    assert found == {
        "all": [40.0],
        "leader": [11.0],
        "delivery": [4.0, 5.0],
        "hearing": [9.0],
        "drawing": [20.0],
    }
