"""Pictures: the right ones, checked, and never half-written."""

import os
import shutil
import stat

import numpy as np
import pytest

from weep.companion import data

real_images = pytest.mark.skipif(
    not data.paper_images_available(), reason="mandril and barbara are neither in the cache folder nor downloadable"
)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("WEEP_DATA_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def serve(monkeypatch, content):
    """Replace the network by a downloader that writes this content, or raises it."""

    class Downloader:
        def __init__(self, **options):
            assert 0 < options["timeout"] < 60

        def __call__(self, url, output_file, pup):
            assert url.startswith("https://") and "e6010ed73b376ffb2c0c7d2e67a6842092054424" in url
            with open(output_file, "wb") as file:
                file.write(b"half a ")
                if isinstance(content, Exception):
                    raise content
                file.write(content)

    monkeypatch.setattr("pooch.HTTPDownloader", Downloader)


@real_images
@pytest.mark.parametrize(("name", "mean"), [("mandril", 0.506), ("barbara", 0.460)])
def test_the_pictures_of_the_paper(name, mean):
    full, half = data.image(name, 512), data.image(name)
    assert (full.shape, half.shape, half.dtype) == ((512, 512), (256, 256), np.float64)
    assert 0 <= full.min() < 0.1 < 0.8 < full.max() <= 1
    np.testing.assert_allclose(half[3, 5], full[6:8, 10:12].mean())
    assert half.mean() == pytest.approx(mean, abs=0.02)


@pytest.mark.parametrize("name", data.BUILT_IN)
def test_built_in_pictures_need_no_network(name, folder, monkeypatch):
    serve(monkeypatch, OSError("no network"))
    picture = data.image(name, 128)
    assert picture.shape == (128, 128)
    assert 0 <= picture.min() < picture.max() <= 1
    assert not folder.exists()


def test_no_network_is_said_and_leaves_nothing(folder, monkeypatch):
    serve(monkeypatch, ConnectionError("name not resolved"))
    with pytest.raises(OSError, match=r"cannot download mandril_gray\.tif .*WEEP_DATA_DIR.*name not resolved"):
        data.image("mandril")
    assert not data.paper_images_available()
    assert list(folder.iterdir()) == []


def test_a_download_with_a_wrong_hash_is_refused_and_not_kept(folder, monkeypatch, capfd):
    serve(monkeypatch, b"another picture")
    with pytest.raises(OSError, match=r"wrong SHA-256 after the download of barbara_gray_512\.bmp"):
        data.image("barbara")
    assert list(folder.iterdir()) == []
    assert capfd.readouterr().err == ""


def test_a_damaged_file_is_refused_and_left_alone(folder):
    folder.mkdir()
    damaged = folder / "mandril_gray.tif"
    damaged.write_bytes(b"not the picture")
    with pytest.raises(OSError, match="wrong SHA-256 of mandril_gray"):
        data.image("mandril")
    assert damaged.read_bytes() == b"not the picture"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may write everywhere")
def test_a_read_only_folder(folder):
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(PermissionError, match="cannot write mandril_gray"):
        data.image("mandril")


def test_a_file_that_cannot_be_written(folder, monkeypatch):
    serve(monkeypatch, PermissionError("denied"))
    with pytest.raises(PermissionError, match=r"cannot write mandril_gray.*name a folder that you can write to"):
        data.image("mandril")
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("WEEP_DATA_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(OSError, match="mandril_gray"):
        data.image("mandril")


@real_images
def test_a_read_only_folder_that_holds_the_pictures_is_enough(monkeypatch, tmp_path):
    file = data.PAPER["mandril"][0]
    shutil.copy(data._fetch("mandril"), tmp_path)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    monkeypatch.setenv("WEEP_DATA_DIR", str(tmp_path))
    assert data.image("mandril", 64).shape == (64, 64)
    assert [path.name for path in tmp_path.iterdir()] == [file]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("lena",), ValueError, "name='lena' must be one of"),
        (("camera", 100), ValueError, "size=100 must divide 512"),
        (("camera", 0), ValueError, "size=0 must divide 512"),
        (("camera", 64.0), TypeError, "size=64.0 must be an integer"),
    ],
)
def test_bad_requests(arguments, error, message):
    with pytest.raises(error, match=message):
        data.image(*arguments)


def test_noise_is_gaussian_and_follows_its_seed():
    x = np.full((300, 300), 0.5, np.float32)
    noisy = data.add_gaussian_noise(x, 0.1, seed=3)
    assert noisy.dtype == np.float32
    assert (noisy - x).std() == pytest.approx(0.1, rel=0.02)
    assert (noisy - x).mean() == pytest.approx(0, abs=2e-3)
    np.testing.assert_array_equal(noisy, data.add_gaussian_noise(x, 0.1, seed=3))
    assert not np.array_equal(noisy, data.add_gaussian_noise(x, 0.1, seed=4))
    with pytest.raises(ValueError, match="sigma=-1"):
        data.add_gaussian_noise(x, -1, seed=0)


@pytest.mark.parametrize("size", [128, 512, 1000])
@pytest.mark.parametrize("name", data.SIGNALS)
def test_signals_have_their_features_where_the_masks_say(name, size):
    made = data.signal(name, size)
    assert made.x.shape == made.edges.shape == made.texture.shape == (size,)
    steps = np.abs(np.diff(made.x))
    large = np.flatnonzero(steps > 0.4)  # texture and slopes rise by less between two samples
    np.testing.assert_array_equal(large, made.jumps)
    assert made.edges.sum() == 8 * made.jumps.size
    assert all(made.edges[j - 3 : j + 5].all() for j in made.jumps)
    assert not np.any(made.edges & made.texture)
    flat = np.diff(made.x) == 0
    assert not np.any(flat & made.texture[1:] & made.texture[:-1])
    assert made.texture.any() == (name in ("mixed", "textured"))
    if name in ("mixed", "steps"):
        outside = ~(made.edges | made.texture)
        assert np.all(flat[(outside[1:] & outside[:-1])]) and flat.any()
    assert -0.3 <= made.x.min() < 0.3 < 3 < made.x.max() < 4.3
    np.testing.assert_array_equal(made.x, data.signal(name, size).x)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("doppler",), ValueError, "name='doppler' must be one of"),
        (("mixed", 127), ValueError, "size=127 must be at least 128"),
        (("mixed", 512.0), TypeError, "size=512.0 must be an integer"),
        (("mixed", True), TypeError, "size=True must be an integer"),
    ],
)
def test_bad_requests_of_signals(arguments, error, message):
    with pytest.raises(error, match=message):
        data.signal(*arguments)


@pytest.mark.parametrize("law", ["normal", "uniform", "laplace"])
def test_contaminated_lines_have_what_they_were_asked_for(law):
    options = {"noise": 0.5, "level": 40.0, "spread": 7.0, "law": law}
    x, y, inlier = data.contaminated_lines(300, 50, seed=1, **options)
    assert x.shape == y.shape == inlier.shape == (300, 50)
    assert np.all(inlier.sum(axis=1) == 20)
    assert 0.5 <= x.min() < 0.6 < 9.9 < x.max() <= 10
    assert (y - 5 * x - 3)[inlier].std() == pytest.approx(0.5, rel=0.05)
    assert y[~inlier].mean() == pytest.approx(40, abs=0.3)
    assert y[~inlier].std() == pytest.approx(7, rel=0.05)
    assert abs(np.corrcoef(x[~inlier], y[~inlier])[0, 1]) < 0.05
    assert abs(np.corrcoef(inlier.ravel(), np.tile(np.arange(50), 300))[0, 1]) < 0.05
    np.testing.assert_array_equal(y, data.contaminated_lines(300, 50, seed=1, **options)[1])
    assert not np.array_equal(y, data.contaminated_lines(300, 50, seed=2, **options)[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outliers": 1.2}, r"outliers=1.2 must lie in \[0, 1\]"),
        ({"noise": -1.0}, "noise=-1.0 must not be negative"),
        ({"spread": -1.0}, "spread=-1.0 must not be negative"),
        ({"law": "cauchy"}, "law='cauchy' must be one of"),
    ],
)
def test_bad_lines(change, message):
    with pytest.raises(ValueError, match=message):
        data.contaminated_lines(2, 10, **change)


def test_a_colour_picture_is_averaged_over_blocks():
    skimage = pytest.importorskip("skimage.data")
    whole = skimage.coffee() / 255  # 400 × 600
    small = data.colour_image("coffee", 64)
    assert small.shape == (64, 64, 3)
    np.testing.assert_allclose(small[2, 3], whole[12:18, 18:24].mean(axis=(0, 1)))
