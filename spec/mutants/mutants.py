#!/usr/bin/env python3
"""Small changes of the code, one at a time, to see whether a test notices.

  spec/mutants/mutants.py [COUNT [SEED [FILE…]]]     (make mutants COUNT=100 SEED=1)

Works in a clone of this tree, in build/mutants (TREE=FOLDER: there). Chooses COUNT changes by SEED
among the files of TESTS, which are those that decide; builds each, runs the tests of its file until
one fails, and prints what became of it. A change that compiles to the same code is not tested. Those
that survived come again at the end: each is a promise that no test keeps, or a change that makes no
difference. Exit status 1 if there are any.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import time

TREE = os.environ.get("TREE", "build/mutants")

# the tests of each file: C tests by name, specs by path; the quick ones first
ENGINE = ["redact_positions_spec", "records_spec", "understanding_spec", "redact_spec",
          "tables_spec"]
CHECK = ["check_spec", "resume_spec", "job_slot_spec", "faults/byte_check_spec", "faults/any_spec"]
TESTS = {
    "src/dataset/redaction/judge.c": ["redact_test"] + ENGINE,
    "src/dataset/redaction/batch.c": ["redact_test"] + ENGINE,
    "src/dataset/redaction/redact.c": ["redact_test"] + ENGINE + ["crash_spec", "redact_cli_spec"],
    "src/dataset/redaction/redact_file.c": ["redact_test"] + ENGINE + ["crash_spec"],
    "src/dataset/redaction/redact_csv.c": ["redact_test"] + ENGINE,
    "src/dataset/text/record.c": ["record_test", "extract_test"] + ENGINE,
    "src/dataset/text/shapes.c": ["record_test", "shapes_cli_spec"] + ENGINE,
    "src/dataset/text/doubt.c": ["understanding_spec", "redact_positions_spec"],
    "src/dataset/verdicts/prefilter.c": ["prefilter_test", "redact_test"] + ENGINE,
    "src/dataset/verdicts/results.c": ["results_test", "results_jobs_test", "verdicts_spec"],
    "src/dataset/verdicts/verdicts.c": ["verdicts_test", "verdicts_spec", "redact_positions_spec",
                                        "memory_spec"],
    "src/dataset/bytes/writer.c": ["writer_test", "redact_spec", "crash_spec"],
    "src/dataset/bytes/gzip_members.c": ["members_test", "decoder_test"],
    "src/dataset/bytes/members.c": ["members_test"],
    "lua/xcompliance/check.lua": CHECK,
    "lua/xcompliance/check_job.lua": CHECK + ["faults/create_spec"],
    "lua/xcompliance/check_list.lua": CHECK + ["list_parts_spec"],
    "lua/xcompliance/check_wait.lua": CHECK + ["faults/poll_spec"],
    "lua/xcompliance/check_upload.lua": CHECK,
    "lua/xcompliance/check_download.lua": CHECK,
    "lua/xcompliance/check_results.lua": CHECK + ["list_parts_spec"],
    "lua/xcompliance/download.lua": ["faults/download_spec", "faults/byte_download_spec",
                                     "faults/join_spec", "faults/cut_spec"],
    "lua/xcompliance/upload.lua": ["faults/simple_upload_spec", "faults/session_spec",
                                   "faults/local_spec"],
    "lua/xcompliance/upload_api.lua": ["faults/byte_upload_spec", "faults/simple_upload_spec",
                                       "faults/local_spec"],
    "lua/xcompliance/upload_session.lua": ["faults/session_spec"],
    "lua/xcompliance/transfer_refusals.lua": ["faults/byte_upload_spec",
                                              "faults/byte_download_spec"],
    "lua/xcompliance/operations.lua": ["operations_spec", "api_spec", "faults/create_spec"] + CHECK,
    "lua/xcompliance/api_answers.lua": ["api_spec", "operations_spec", "faults/wire_spec"],
    "lua/xcompliance/storage_answers.lua": ["faults/download_spec", "faults/session_spec"],
    "lua/xcompliance/sync.lua": ["sync_spec", "max_age_spec", "differences_spec", "resume_spec"],
    "lua/xcompliance/sync_redact.lua": ["sync_spec", "max_age_spec", "differences_spec",
                                        "resume_spec"],
    "lua/xcompliance/restore.lua": ["restore_spec"],
    "lua/xcompliance/recent_checks.lua": ["max_age_spec"],
}

# what is changed, and into what
COMMON = [(r"<=", "<"), (r">=", ">"), (r"(?<![-<>=])<(?![<=])", "<="),
          (r"(?<![-<>=])>(?![>=])", ">="), (r"==", "!="), (r"\btrue\b", "false"),
          (r"\bfalse\b", "true"), (r"\b1\b", "2"),
          (r"\b0\b", "1"), (r" \+ ", " - "), (r" - ", " + ")]
OPERATORS = {
    ".c": COMMON + [(r"!=", "=="), (r"&&", "||"), (r"\|\|", "&&"), (r"!(?=[\w(])", "")],
    ".lua": [(a, b.replace("!=", "~=")) for a, b in COMMON] +
            [(r"~=", "=="), (r"\band\b", "or"), (r"\bor\b", "and"), (r"\bnot ", "")],
}
STATEMENT = {
    ".c": re.compile(r"^\s+(?!return|break|continue|goto|struct|static|const|enum|case|default|"
                     r"else)"
                     r"[\w*>.\[\]()&-]+( [-+|&*]?= |\(|\+\+|--).*;( /\*.*)?$"),
    ".lua": re.compile(r"^\s+(?!local|return|function|if|for|while|end)"
                       r"[\w.:\[\]\"]+( = .*|\(.*\))$"),
}
TEXTS = {".c": r'"(?:[^"\\]|\\.)*"|/\*.*?(?:\*/|$)|\'.*?\'|<\w+/?\w*\.h>',
         ".lua": r'"(?:[^"\\]|\\.)*"|--.*$'}


def code_lines(path):
    """Numbers of the lines with code, and the lines."""
    lines = open(path).read().split("\n")
    within = False
    numbers = []
    for number, line in enumerate(lines):
        starts = line.strip().startswith(("/*", "--", "#", "@", " *", "*"))
        if not within and not starts and line.strip():
            numbers.append(number)
        if path.endswith(".c"):
            if "/*" in line:
                within = "*/" not in line[line.index("/*"):]
            elif "*/" in line:
                within = False
    return numbers, lines


def changes_of(path):
    """All changes of a file: (line number, new line)."""
    kind = os.path.splitext(path)[1]
    numbers, lines = code_lines(path)
    found = []
    for number in numbers:
        line = lines[number]
        texts = [m.span() for m in re.finditer(TEXTS[kind], line)]
        for pattern, replacement in OPERATORS[kind]:
            for match in re.finditer(pattern, line):
                if not any(a <= match.start() < b for a, b in texts):
                    found.append((number, line[:match.start()] + replacement + line[match.end():]))
        if STATEMENT[kind].match(line):
            found.append((number, ""))
    return found


def run(*command, seconds=600):
    environment = dict(os.environ, XCOMPLIANCE_BUILD="build", MAKEFLAGS="")
    process = subprocess.Popen(command, cwd=TREE, env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        return False


def build(tests):
    programs = ["build/spec/" + test for test in tests if test.endswith("_test")]
    return run("make", "-s", "LUAS=lua5.4", "CFLAGS=-O1", "all", "build/lua5.4/spec_process.so",
               "build/spec/memory_host",
               *programs)


def code_of(path):
    """The object file of a source, or nothing for Lua."""
    path = os.path.join(TREE, "build/wings", path[len("src/"):-1] + "o")
    return open(path, "rb").read() if os.path.exists(path) else b""


def passes(test, seconds=600):
    if test.endswith("_test"):
        return run("build/spec/" + test, seconds=seconds)
    return run("lua5.4", "/usr/bin/busted", "--exclude-tags=slow", "--no-keep-going",
               "spec/%s.lua" % test, seconds=seconds)


def measure(test):
    """How long a test may take: a change that makes it hang is noticed."""
    start = time.monotonic()
    if not passes(test):
        sys.exit("%s fails without a change" % test)
    return 10 + 5 * (time.monotonic() - start)


def judge(path, lines, change, code, limits):
    """What becomes of a change: "not built", "same code", the test that noticed it, or "survived"."""
    number, line = change
    changed = lines[:number] + [line] + lines[number + 1:]
    open(os.path.join(TREE, path), "w").write("\n".join(changed))
    try:
        if path.endswith(".lua") and not run("luac5.4", "-p", path):
            return "not built"
        if not build(TESTS[path]):  # also what the change before was undone in
            return "not built"
        if code and code == code_of(path):
            return "same code"
        return next((test for test in TESTS[path] if not passes(test, limits[test])), "survived")
    finally:
        open(os.path.join(TREE, path), "w").write("\n".join(lines))


def main(count, seed, files):
    shutil.rmtree(TREE, ignore_errors=True)
    subprocess.check_call(["git", "clone", "-q", ".", TREE])
    everything = sorted({test for path in files for test in TESTS[path]})
    if not build(everything):
        sys.exit("the tree does not build")
    limits = {test: measure(test) for test in everything}
    codes = {path: code_of(path) for path in files}
    chooser, survivors, sums = random.Random(seed), [], {}
    for at in range(count):
        path = chooser.choice(files)
        lines = open(os.path.join(TREE, path)).read().split("\n")
        number, line = change = chooser.choice(changes_of(os.path.join(TREE, path)))
        verdict = judge(path, lines, change, codes[path], limits)
        shown = "%s:%d: %s -> %s" % (path, number + 1, lines[number].strip(),
                                     line.strip() or "(nothing)")
        print("%d/%d %s: %s" % (at + 1, count, verdict, shown), flush=True)
        kind = verdict if verdict in ("not built", "same code", "survived") else "noticed"
        sums[kind] = sums.get(kind, 0) + 1
        if verdict == "survived":
            survivors.append(shown)
    print("\n%d noticed, %d survived, %d the same code, %d did not build" %
          tuple(sums.get(kind, 0) for kind in ("noticed", "survived", "same code", "not built")))
    print("\n".join(survivors))
    return 1 if survivors else 0


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
    arguments = sys.argv[1:]
    count, seed = [int(word) for word in arguments[:2] + ["20", "1"][len(arguments[:2]):]]
    sys.exit(main(count, seed, arguments[2:] or sorted(TESTS)))
