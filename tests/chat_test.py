#!/usr/bin/env python3
"""onmal chat with the starter model, in a pipe and on a terminal: chat_test.py ONMAL"""
import codecs
import json
import os
import pty
import select
import signal
import subprocess
import tempfile
import time
import unittest

import end_to_end
from end_to_end import STARTER

# Nearly random tokens: an end is as rare as any other.
ENDLESS = ["-n", "100000", "--seed", "3", "--temp", "5", "--top-k", "0", "--top-p", "1"]
SECONDS = 30


def talk(lines, *options):
    """Answers (JSON lines) to turns given through a pipe."""
    done = end_to_end.run("chat", "-m", STARTER, "--seed", "1", "--json", *options, input="\n".join(lines) + "\n")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, *options):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(end_to_end.ONMAL, [end_to_end.ONMAL, "chat", "-m", str(STARTER), *options])
        self.seen = b""

    def read_until(self, text, after=0):
        """Waits for `text` behind position `after` of all that was shown; returns the position behind it."""
        wanted = text.encode()
        deadline = time.monotonic() + SECONDS
        while (at := self.seen.find(wanted, after)) < 0:
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {text!r} within {SECONDS} s in {self.seen[after:]!r}")
            try:
                self.seen += os.read(self.fd, 4096)
            except OSError as error:
                raise AssertionError(f"ended before {text!r}: {self.seen!r}") from error
        return at + len(wanted)

    def send(self, data):
        os.write(self.fd, data)

    def status(self):
        """Waits for the end."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                if select.select([self.fd], [], [], 0.02)[0]:
                    self.seen += os.read(self.fd, 4096)
            except OSError:
                pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("did not end")

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


class ChatTest(unittest.TestCase):
    def open(self, *options):
        terminal = Terminal(*options)
        self.addCleanup(terminal.close)
        return terminal

    def test_history_is_remembered_and_not_computed_again(self):
        answers = talk(["안녕", "이름이 뭐야?", "잘 자"])
        self.assertEqual(len(answers), 3)
        for before, after in zip(answers, answers[1:]):
            self.assertGreaterEqual(after["cached_tokens"], before["prompt_tokens"])
            self.assertGreater(after["prompt_tokens"], before["prompt_tokens"] + before["tokens"])
        keys = {"text", "tokens", "finish_reason", "prompt_tokens", "prefill_tokens_per_s", "decode_tokens_per_s",
                "drafted_tokens", "accepted_tokens"}
        self.assertLessEqual(keys, answers[0].keys())

    def test_thinking_is_told_apart_and_hidden(self):
        with tempfile.TemporaryDirectory() as folder:
            template, tools = os.path.join(folder, "chat.jinja"), os.path.join(folder, "tools.json")
            with open(template, "w", encoding="utf-8") as file:
                file.write("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
                           "{{ tools }}<|im_start|>assistant\n<think>\n")
            with open(tools, "w", encoding="utf-8") as file:
                json.dump([{"type": "function", "function": {"name": "날씨"}}], file)
            options = ["--template", template, "-n", "12"]
            shown = talk(["안녕"], *options)[0]
            hidden = talk(["안녕"], *options, "--thinking", "hide")[0]
            self.assertEqual(shown["thinking"], shown["text"].strip("\n"))  # a block that nothing closes
            self.assertEqual((hidden["text"], hidden["thinking"]), ("", shown["thinking"]))
            self.assertEqual(hidden["tokens"], shown["tokens"])
            with_tools = talk(["안녕"], *options, "--tools", tools)[0]
            self.assertGreater(with_tools["prompt_tokens"], shown["prompt_tokens"])

    def test_several_lines_are_one_turn(self):
        with tempfile.TemporaryDirectory() as folder:
            saved = os.path.join(folder, "talk.json")
            lines = ['"""첫째 줄입니다.', "둘째 줄, 띄어쓰기  둘.", '"""', "이어지는\\", "문장입니다", f"/save {saved}"]
            self.assertEqual(len(talk(lines)), 2)
            with open(saved, encoding="utf-8") as file:
                messages = json.load(file)["messages"]
        self.assertEqual([m["role"] for m in messages], ["user", "assistant"] * 2)
        self.assertEqual(messages[0]["content"], "첫째 줄입니다.\n둘째 줄, 띄어쓰기  둘.")
        self.assertEqual(messages[2]["content"], "이어지는\n문장입니다")

    def test_ctrl_c_stops_the_answer_and_twice_at_the_prompt_the_program(self):
        terminal = self.open(*ENDLESS)
        at = terminal.read_until("> ")
        terminal.send("이야기 하나 해 줘\n".encode())
        at = terminal.read_until("\n", at)  # the echo
        while len(terminal.seen) < at + 12:  # the answer has begun
            terminal.seen += os.read(terminal.fd, 4096)
        terminal.send(b"\x03")
        at = terminal.read_until("(stopped)", at)
        at = terminal.read_until("> ", at)
        terminal.send("하나 더\n".encode())
        at = terminal.read_until("\n", at)
        while len(terminal.seen) < at + 12:
            terminal.seen += os.read(terminal.fd, 4096)
        terminal.send(b"\x03")
        at = terminal.read_until("> ", terminal.read_until("(stopped)", at))
        terminal.send(b"\x03")
        at = terminal.read_until("(Ctrl-C again to leave)", at)
        terminal.read_until("> ", at)
        terminal.send(b"\x03")
        self.assertEqual(terminal.status(), 0)

    def test_ctrl_d_leaves(self):
        terminal = self.open()
        terminal.read_until("> ")
        terminal.send(b"\x04")
        self.assertEqual(terminal.status(), 0)

    def test_typed_lines_of_korean_arrive_whole(self):
        terminal = self.open("-n", "4")
        with tempfile.TemporaryDirectory() as folder:
            saved = os.path.join(folder, "talk.json")
            at = terminal.read_until("> ")
            terminal.send('"""가나다라\n'.encode())
            at = terminal.read_until("… ", at)
            terminal.send('마바사"""\n'.encode())
            at = terminal.read_until("\n", at)
            at = terminal.read_until("> ", at)
            terminal.send(f"/save {saved}\n".encode())
            terminal.read_until("saved to", at)
            with open(saved, encoding="utf-8") as file:
                self.assertEqual(json.load(file)["messages"][0]["content"], "가나다라\n마바사")

    def test_no_syllable_is_ever_broken_on_its_way(self):
        command = [end_to_end.ONMAL, "generate", "-m", str(STARTER), "-p", "옛날 옛적에", "-n", "400", "--ignore-end",
                   "--temp", "3", "--top-k", "0", "--top-p", "1", "--seed", "5"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as process:
            reads = 0
            decoder = codecs.getincrementaldecoder("utf-8")("strict")
            while block := os.read(process.stdout.fileno(), 65536):
                decoder.decode(block)
                self.assertEqual(decoder.getstate()[0], b"", "a read ended inside a character")
                reads += 1
            self.assertEqual(process.wait(), 0)
        self.assertGreater(reads, 50, "the text did not stream")

    def test_speculation_changes_nothing_but_the_speed(self):
        prompt = "가을 하늘은 높고 푸르다. " * 6
        texts = [end_to_end.run("generate", "-m", STARTER, "-p", prompt, "-n", "60", "--temp", "0", "--json", *flags)
                 for flags in ([], ["--no-speculation"], ["--draft", STARTER])]
        plain, drafted = json.loads(texts[1].stdout), json.loads(texts[2].stdout)
        self.assertEqual(plain["drafted_tokens"], 0)
        self.assertGreaterEqual(drafted["drafted_tokens"], drafted["accepted_tokens"])
        same = [json.loads(text.stdout)["ids"][:8] for text in texts]
        self.assertEqual(same[0], same[1])
        self.assertEqual(same[2], same[1])


if __name__ == "__main__":
    end_to_end.main()
