"""The plain parts keep the rules that they help to check."""

from aezoo.testing import parametrize_with_checks, plain


@parametrize_with_checks(
    ("backbone", plain.PlainBackbone),
    ("encoder", plain.PlainNormal),
    ("prior", plain.PlainPrior),
    ("reconstruction", plain.PlainCoins),
    ("regularizer", plain.PlainTask),
)
def test_a_plain_part_keeps_the_rules_of_its_kind(check):
    check()
