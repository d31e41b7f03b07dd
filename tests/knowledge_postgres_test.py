#!/usr/bin/env python3
"""The tests of the knowledge store against a PostgreSQL server that is started for them.

usage: knowledge_postgres_test.py KNOWLEDGE_TEST ONMAL
Skipped (77) where no PostgreSQL is installed, or root has no other user to run it as.
"""
import glob
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading


WORDS = ("alphabet", "omega")  # of each writer


def find_programs():
    found = shutil.which("initdb")
    folders = [str(pathlib.Path(found).parent)] if found else sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    return pathlib.Path(folders[-1]) if folders else None


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def check(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def two_writers(onmal, connection, folder):
    """Both add their own documents to one store at the same time."""
    results = [None, None]

    def work(number):
        documents = folder / f"documents{number}"
        documents.mkdir()
        for i in range(30):
            (documents / f"{i}.txt").write_text(f"{WORDS[number]} document {i} 한글 문서\n", encoding="utf-8")
        for i in range(0, 30, 3):  # ten commits each
            paths = [str(documents / f"{j}.txt") for j in range(i, i + 3)]
            results[number] = subprocess.run([onmal, "know", "add", *paths, "-k", connection], capture_output=True, text=True)
            if results[number].returncode != 0:
                return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        check(result.returncode == 0, result.stderr)
    for number in range(2):
        found = subprocess.run([onmal, "--json", "know", "search", WORDS[number], "-n", "100", "-k", connection],
                               capture_output=True, text=True)
        check(found.returncode == 0, found.stderr)
        hits = json.loads(found.stdout)["hits"]
        check(len(hits) == 30, f"writer {number}: {len(hits)} of 30 documents found")


def main():
    knowledge_test, onmal = sys.argv[1:]
    programs = find_programs()
    if programs is None:
        skip("PostgreSQL is not installed")
    as_user = []
    if os.geteuid() == 0:  # the server refuses root
        if shutil.which("runuser") is None or subprocess.run(["id", "postgres"], capture_output=True).returncode != 0:
            skip("root, without a user 'postgres'")
        as_user = ["runuser", "-u", "postgres", "--"]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-postgres-"))
    try:
        if as_user:
            shutil.chown(folder, "postgres")
        folder.chmod(0o755)
        data = folder / "data"
        subprocess.run([*as_user, programs / "initdb", "-D", data, "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8",
                        "-U", "onmal"], check=True, stdout=subprocess.DEVNULL)
        server = [*as_user, programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
        # A socket of its own and no port: nothing else is in the way.
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        subprocess.run([*server, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL)
        try:
            connection = f"postgresql:///postgres?host={folder}&user=onmal"
            done = subprocess.run([knowledge_test, "--gtest_filter=*StoreTest*", "--gtest_brief=1"],
                                  env={**os.environ, "ONMAL_TEST_POSTGRES": connection}, capture_output=True, text=True)
            print(done.stdout, done.stderr)
            check(done.returncode == 0, "the store's tests on PostgreSQL")
            check("SKIPPED" not in done.stdout, "a test was skipped")
            check("PASSED" in done.stdout, "no test ran")
            (folder / "writers").mkdir()
            two_writers(onmal, connection, folder / "writers")
            refused = subprocess.run([onmal, "know", "list", "-k", f"postgresql:///nosuch?host={folder}&user=onmal&password=hush"],
                                     capture_output=True, text=True)
            check(refused.returncode == 1 and "nosuch" in refused.stderr, "a database that is not there: " + refused.stderr)
            check("hush" not in refused.stderr, "a password in a message")
        finally:
            subprocess.run([*server, "-m", "immediate", "stop"], stdout=subprocess.DEVNULL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("PostgreSQL: all passed")


if __name__ == "__main__":
    main()
