from api.small_files import SmallFiles


def copied(small: SmallFiles, key: str, *chunks: bytes) -> bytes | None:
    small.begin(key)
    for chunk in chunks:
        small.add(key, chunk)
    file = small.take(key)
    if file is None:
        return None
    with file:
        assert file.fileno() > 0
        return file.read()


def test_small_files_come_back_whole() -> None:
    with SmallFiles() as small:
        assert copied(small, "a", b"one ", b"two") == b"one two"
        assert copied(small, "b") == b""


def test_what_is_not_small_is_not_kept_and_what_was_stays() -> None:
    with SmallFiles(most_bytes=10) as small:
        small.begin("a")
        small.add("a", b"12345")
        assert copied(small, "b", b"12345", b"6") is None
        file = small.take("a")
        assert file is not None
        with file:
            assert file.read() == b"12345"


def test_a_file_that_never_came_is_not_there() -> None:
    with SmallFiles() as small:
        assert small.take("a") is None


def test_nothing_stays_open() -> None:
    with SmallFiles() as small:
        small.begin("a")
        file = small._files["a"]
    assert file.closed
