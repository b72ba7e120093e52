"""The relay beside its peers, on one load. Nothing of the relay imports this; README.md here has the method."""


def main(argv: list[str]) -> int:
    """`python -m media bench`. What it needs is loaded only now."""
    from media.bench.command import main as command

    return command(argv)
