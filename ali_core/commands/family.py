"""python -m ali_core family: the table of every member."""

import argparse

from ali_core.family.members import plain, table


def main(argv: list[str]) -> None:
    """python -m ali_core family."""
    argparse.ArgumentParser("python -m ali_core family", description=__doc__).parse_args(argv)
    print(f"{'member':18} {'I_q':>9} {'I_p':>9}  minimises; constraints (weight)")
    for line in table():
        held = "; ".join(f"{plain(formula)} ({weight})" for formula, weight in line["constraints"])
        print(f"{line['member']:18} {line['I_q']:>9} {line['I_p']:>9}  {plain(line['minimises'])}")
        print(f"{'':18} {'':>9} {'':>9}  {held}")
