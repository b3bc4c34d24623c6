"""Bytes to model input, for every kind a contract can state, against the exact formula."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.contract import Input, Normalisation
from faceage_edge.preprocess import InputEncoder

Pictures = npt.NDArray[np.uint8]
Noise = Callable[..., Pictures]

SIGNED_128 = Normalisation("affine", mean=(128.0,) * 3, std=(128.0,) * 3)
SIGNED = Normalisation("affine", mean=(127.5,) * 3, std=(127.5,) * 3)
UNIT = Normalisation("affine", mean=(0.0,) * 3, std=(255.0,) * 3)
BYTES = Normalisation("affine", mean=(0.0,) * 3, std=(1.0,) * 3)
FLIPPED = Normalisation("affine", mean=(255.0,) * 3, std=(-255.0,) * 3)
# torchvision's constants, in bytes.
IMAGENET = Normalisation("affine", mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
STANDARDISE = Normalisation("standardise", clip=(-4.0, 4.0))

# Data type, scale, zero point, normalisation, note.
KINDS: list[tuple[str, float, int, Normalisation, str]] = [
    ("int8", 1 / 128, 0, SIGNED_128, "ours: exact, by XOR"),
    ("uint8", 1 / 128, 128, SIGNED_128, "the same for an unsigned model"),
    ("int8", 2 / 255, -1, SIGNED, "the Keras MobileNet way, zero between two quanta"),
    ("uint8", 1 / 127.5, 127, SIGNED, "the same, unsigned"),
    ("int16", 1 / 32768, 0, SIGNED, "16 bit"),
    ("float32", 1.0, 0, SIGNED, "float: one quantum is float32's own rounding"),
    ("int8", 1 / 255, -128, UNIT, "0 to 1"),
    ("uint8", 1 / 255, 0, UNIT, "0 to 1, unsigned: the bytes themselves"),
    ("float32", 1.0, 0, UNIT, "0 to 1, float"),
    ("int8", 1.0, -128, BYTES, "the bytes, shifted: XOR again"),
    ("uint8", 1.0, 0, BYTES, "the bytes"),
    ("int16", 1.0, 0, BYTES, "the bytes in 16 bit"),
    ("float32", 1.0, 0, BYTES, "the bytes as floats"),
    ("int8", 0.0187, -15, IMAGENET, "another mean and deviation in every channel"),
    ("uint8", 0.0187, 113, IMAGENET, "the same, unsigned"),
    ("int16", 1e-4, 100, IMAGENET, "the same in 16 bit, no saturation"),
    ("float32", 1.0, 0, IMAGENET, "the same, float"),
    ("int8", 1 / 255, -128, FLIPPED, "a negative deviation: a negative picture"),
    ("int8", 0.002, 5, SIGNED, "a range that saturates on both sides"),
    ("int8", 8 / 255, 0, STANDARDISE, "by the crop's own mean and deviation"),
    ("int16", 1 / 4096, 0, STANDARDISE, "the same in 16 bit"),
    ("float32", 1.0, 0, STANDARDISE, "the same, float, clipped as stated"),
]
CASES = pytest.mark.parametrize("colour", ["RGB", "BGR"])
KIND = pytest.mark.parametrize(("dtype", "scale", "zero_point", "normalisation", "note"), KINDS)


def wanted(
    dtype: str, scale: float, zero_point: int, normalisation: Normalisation, colour: str = "RGB"
) -> Input:
    """The input part of a contract; its size is not read by the encoder."""
    return Input("input", 1, 16, 16, colour, dtype, scale, zero_point, normalisation)


def all_bytes() -> Pictures:
    """Uint8 (2, 16, 16, 3): every value in every channel, in another order in each."""
    value = np.arange(256).reshape(16, 16)
    first = np.stack([value, value * 7 % 256, (255 - value) * 3 % 256], axis=-1)
    return np.stack([first, first[::-1, ::-1] // 2]).astype(np.uint8)


def exact(picture: Pictures, kind: Normalisation) -> npt.NDArray[np.float64]:
    """The real numbers that the contract's formula gives, channels in the contract's order."""
    real = picture.astype(np.float64)
    if kind.kind == "affine":
        return np.asarray((real - np.array(kind.mean)) / np.array(kind.std))
    deviation = max(real.std(), 1 / np.sqrt(real.size))
    return np.asarray(((real - real.mean()) / deviation).clip(*kind.clip))


@CASES
@KIND
def test_every_byte_is_within_half_a_quantum(
    dtype: str, scale: float, zero_point: int, normalisation: Normalisation, note: str, colour: str
) -> None:
    """All 256 values, in every channel, are as close to the formula as the type can hold them."""
    pictures = all_bytes()
    assert all(len(np.unique(pictures[0, ..., channel])) == 256 for channel in range(3))
    encoded = InputEncoder(wanted(dtype, scale, zero_point, normalisation, colour)).encode(pictures)
    assert (encoded.shape, encoded.dtype) == (pictures.shape, np.dtype(dtype))
    ordered = pictures[..., ::-1] if colour == "RGB" else pictures
    real = np.stack([exact(picture, normalisation) for picture in ordered])
    if dtype == "float32":
        np.testing.assert_array_equal(encoded, real.astype(np.float32))
        return
    limits = np.iinfo(dtype)
    low, high = (limits.min - zero_point) * scale, (limits.max - zero_point) * scale
    held = (encoded.astype(np.float64) - zero_point) * scale
    # Half a quantum, and the rounding of a float64 division at a tie.
    assert np.abs(held - real.clip(low, high)).max() <= scale / 2 * (1 + 1e-9)


def test_by_hand() -> None:
    """Values computed with fractions by hand, for the four ways a byte is scaled most often."""
    table = [
        ("int8", 1 / 128, 0, SIGNED_128, {0: -128, 127: -1, 128: 0, 255: 127}),
        ("int8", 1 / 255, -128, UNIT, {0: -128, 128: 0, 255: 127}),
        ("uint8", 0.0187, 113, IMAGENET, {0: 0, 124: 113, 255: 233}),
        ("int16", 1 / 32768, 0, SIGNED, {0: -32768, 255: 32767}),
    ]
    for dtype, scale, zero_point, kind, expected in table:
        encoder = InputEncoder(wanted(dtype, scale, zero_point, kind))
        for byte, value in expected.items():
            picture = np.full((1, 1, 1, 3), byte, dtype=np.uint8)
            assert encoder.encode(picture)[0, 0, 0, 0] == value, (dtype, kind, byte)


def test_our_own_input_is_exact() -> None:
    """(byte - 128) / 128 at scale 1/128 loses nothing: compared as fractions."""
    encoded = InputEncoder(wanted("int8", 1 / 128, 0, SIGNED_128)).encode(all_bytes())
    for byte, value in zip(all_bytes()[..., ::-1].ravel(), encoded.ravel(), strict=True):
        assert Fraction(int(value), 128) == Fraction(int(byte) - 128, 128)


@CASES
@pytest.mark.parametrize(
    ("scale", "zero_point", "normalisation", "note"),
    [
        (1 / 128, 0, SIGNED_128, "(byte - 128) / 128"),
        (1.0, -128, BYTES, "the byte itself"),
        (1 / 255, -128, UNIT, "byte / 255"),
    ],
)
def test_xor_equals_the_table(
    scale: float,
    zero_point: int,
    normalisation: Normalisation,
    note: str,
    colour: str,
    noise: Noise,
) -> None:
    """The fast path for offset binary gives what looking the bytes up gives."""
    encoder = InputEncoder(wanted("int8", scale, zero_point, normalisation, colour))
    assert encoder._xor
    pictures = noise(3, 9, 7, 3)
    fast = encoder.encode(pictures)
    encoder._xor = False
    slow = encoder.encode(pictures)
    assert fast.dtype == slow.dtype == np.int8
    np.testing.assert_array_equal(fast, slow)


def test_near_offset_binary_is_not_offset_binary() -> None:
    """A table that differs from XOR in one value or one channel takes the table."""
    uneven = Normalisation("affine", mean=(128.0, 128.0, 127.0), std=(128.0,) * 3)
    for kind in (SIGNED, uneven):
        encoder = InputEncoder(wanted("int8", 1 / 128, 0, kind))
        assert not encoder._xor
        encoded = encoder.encode(np.full((1, 1, 1, 3), 255, np.uint8))
        assert encoded[0, 0, 0, 2] == 127


@KIND
def test_an_empty_batch(
    dtype: str, scale: float, zero_point: int, normalisation: Normalisation, note: str
) -> None:
    """No crops in, no crops out, of the right shape and type."""
    encoder = InputEncoder(wanted(dtype, scale, zero_point, normalisation))
    encoded = encoder.encode(np.empty((0, 16, 16, 3), np.uint8))
    assert (encoded.shape, encoded.dtype) == ((0, 16, 16, 3), np.dtype(dtype))


@KIND
def test_crops_are_independent_and_unharmed(
    dtype: str,
    scale: float,
    zero_point: int,
    normalisation: Normalisation,
    note: str,
    noise: Noise,
) -> None:
    """A batch is its crops one by one; views into a larger frame serve; the input stays."""
    encoder = InputEncoder(wanted(dtype, scale, zero_point, normalisation))
    frame = noise(3, 40, 40, 3)
    kept = frame.copy()
    views = frame[:, 5:21, 7:39:2]
    together = encoder.encode(views).copy()
    alone = np.concatenate([encoder.encode(views[i : i + 1].copy()).copy() for i in range(3)])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(frame, kept)


def test_standardised_crops(noise: Noise) -> None:
    """Mean 0 and deviation 1 over all channels together; one colour alone becomes zero."""
    encoder = InputEncoder(wanted("float32", 1.0, 0, STANDARDISE))
    encoded = encoder.encode(noise(1, 32, 32, 3)).astype(np.float64)
    assert encoded.mean() == pytest.approx(0, abs=1e-6)
    assert encoded.std() == pytest.approx(1, abs=1e-6)
    flat = np.full((1, 8, 8, 3), 77, np.uint8)
    assert not encoder.encode(flat).any()
    spot = flat.copy()
    spot[0, 0, 0, 0] = 255
    clipped = encoder.encode(spot)
    assert clipped.max() == 4.0


def test_standardise_floors_the_deviation() -> None:
    """One value off by one in N: deviation below 1/sqrt(N) is taken as 1/sqrt(N)."""
    picture = np.full((1, 2, 2, 3), 100, np.uint8)
    picture[0, 0, 0, 0] = 101
    encoded = InputEncoder(wanted("float32", 1.0, 0, STANDARDISE)).encode(picture)
    deviation = np.sqrt(1 / 12 - 1 / 144)
    assert deviation < 1 / np.sqrt(12)
    # RGB: the changed blue value comes last.
    assert encoded[0, 0, 0, 2] == pytest.approx((1 - 1 / 12) * np.sqrt(12), abs=1e-6)
