"""Runs command lines of pcs or crmsh, one after the other: SHELL LIST.

Their modules are read once; each command is a process of its own, forked from there.
"""

import os
import re
import shlex
import subprocess
import sys

PLAIN = re.compile(r"(pcs|crm) ([^|;&<>`]*)( >/dev/null( 2>&1)?)?$")


def pcs():
    from pcs.entry_points import cli
    return cli.main


def crm():
    from crmsh import log
    log.setup_logging()
    from crmsh import main
    return main.run


def in_child(main, program, words, quiet):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    nothing = os.open(os.devnull, os.O_WRONLY)
    for number in quiet:
        os.dup2(nothing, number)
    sys.argv = [program] + words
    # Out of everything, so that what is to be done at the end is done.
    return sys.exit(main())


def run():
    shell = sys.argv[1]
    main = {"pcs": pcs, "crm": crm}[shell]()
    with open(sys.argv[2], encoding="utf-8") as lines:
        lines = lines.read().splitlines()
    for line in lines:
        for stream in sys.stdout, sys.stderr:
            print(f"$ {line}", file=stream, flush=True)
        plain = PLAIN.match(line)
        if plain and plain[1] == shell:
            words = shlex.split(os.path.expandvars(plain[2]))
            quiet = [1] * bool(plain[3]) + [2] * bool(plain[4])
            code = in_child(main, f"/usr/sbin/{plain[1]}", words, quiet)
        else:
            code = subprocess.call(["sh", "-c", line], stdin=subprocess.DEVNULL)
        print(code, flush=True)


run()
