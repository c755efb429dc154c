import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan.reference.random import philox

ONES, PI = (0xFFFFFFFF,) * 4, (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (ONES, ONES[:2], (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (PI, (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ],
)
def test_known_answers_of_random123(counter, key, expected):
    """Random123's kat_vectors, philox4x32 with 10 rounds."""
    words = philox([np.array([word], np.uint64) for word in counter], key)
    assert tuple(int(word[0]) for word in words) == expected


def test_number_i_is_word_i_mod_4_of_counter_i_div_4():
    u = mg.random.Generator(seed=0).uniform((4,)).numpy()
    assert_close(u, [(word >> 8) * 2.0**-24 for word in (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)])


def test_the_seed_is_the_key_and_the_counter_has_64_bits():
    generator = mg.random.Generator(seed=(0x85A308D3 << 32) | 0x243F6A88)
    generator.counter[0] = (7 << 32) | 5
    words = philox([np.array([word], np.uint64) for word in (5, 7, 0, 0)], (0x243F6A88, 0x85A308D3))
    assert_close(generator.uniform((4,)).numpy(), [(int(word[0]) >> 8) * 2.0**-24 for word in words])


def test_the_stream_does_not_depend_on_how_it_is_cut():
    whole = mg.random.Generator(3).uniform((24,)).numpy()
    parts = mg.random.Generator(3)
    assert np.concatenate([parts.uniform((n,)).numpy() for n in (8, 4, 12)]).tolist() == whole.tolist()


def test_float32_is_float64_rounded():
    single, double = (mg.random.Generator(5, dtype=dtype).uniform((1000,)).numpy() for dtype in ("float32", "float64"))
    assert (single == double).all()
    single, double = (mg.random.Generator(5, dtype=dtype).normal((1001,)).numpy() for dtype in ("float32", "float64"))
    assert_close(single, double, 1e-6)


def test_uniform_is_uniform():
    x = mg.random.Generator(1, dtype="float64").uniform((100_000,), -1, 3).numpy()
    assert x.min() >= -1 and x.max() < 3
    counts, _ = np.histogram(x, 20, (-1, 3))
    assert ((counts - 5000) ** 2 / 5000).sum() < 50  # χ² with 19 degrees of freedom: above 50 once in 10,000


def test_normal_is_normal():
    x = mg.random.Generator(1, dtype="float64").normal((100_000,), 2.0, 3.0).numpy()
    z = (x - 2) / 3
    assert abs(z.mean()) < 0.015 and abs(z.std() - 1) < 0.01
    assert abs((z**3).mean()) < 0.04 and abs((z**4).mean() - 3) < 0.1
    assert abs(np.corrcoef(z[::2], z[1::2])[0, 1]) < 0.02  # the two of a pair are independent


def test_state_goes_round():
    generator = mg.random.Generator(1)
    generator.uniform((5,))
    state = generator.state()
    expected = generator.uniform((5,)).numpy()
    other = mg.random.Generator(1)
    other.load_state(state)
    assert other.uniform((5,)).numpy().tolist() == expected.tolist()


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seeds_have_64_bits(seed):
    with pytest.raises(mg.MiniganError, match="expected 0 to"):
        mg.random.Generator(seed)
