#!/usr/bin/env python3
"""onmal serve from outside: what it answers, whom it refuses, and that it lives through bad clients.

usage: serve_test.py ONMAL
"""
import http.client
import json
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import end_to_end
from end_to_end import SOURCE


class Server:
    def __init__(self, folder, *arguments):
        self.said = open(folder / "said.txt", "ab")
        self.process = subprocess.Popen(
            [end_to_end.ONMAL, "-t", "2", "serve", "-m", SOURCE / "models" / "starter", "--port", "0",
             "-k", folder / "store.db", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=self.said, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def call(self, method, path, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        headers = dict(headers or {})
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data, dict(answer.getheaders())

    def ask(self, path, body, status=200, headers=None):
        got, data, _ = self.call("POST", path, body, headers)
        assert got == status, (got, data[:500])
        return json.loads(data)

    def events(self, path, body, headers=None):
        status, data, _ = self.call("POST", path, body, headers)
        assert status == 200, (status, data[:500])
        rows = [line[6:] for line in data.decode().split("\n") if line.startswith("data: ")]
        assert rows[-1] == "[DONE]", rows[-1]
        return [json.loads(row) for row in rows[:-1]]

    def resident_kb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return int(next(line for line in status if line.startswith("VmRSS")).split()[1])

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.let_go()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.let_go()

    def let_go(self):
        self.process.stdout.close()
        self.said.close()


def upload(files):
    boundary = "----onmal" + "b" * 20
    body = b""
    for name, data in files:
        body += (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n').encode()
        body += data + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def chat(**more):
    return {"messages": [{"role": "user", "content": "배고파"}], "max_tokens": 12, "seed": 5, **more}


class ServeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-serve-"))
        cls.server = Server(cls.folder)

    @classmethod
    def tearDownClass(cls):
        code = cls.server.end()
        shutil.rmtree(cls.folder, ignore_errors=True)
        assert code == 0, code

    def test_chat_whole_streamed_and_repeated(self):
        whole = self.server.ask("/v1/chat/completions", chat())
        text = whole["choices"][0]["message"]["content"]
        self.assertTrue(text)
        usage = whole["usage"]
        self.assertEqual(usage["prompt_tokens"] + usage["completion_tokens"], usage["total_tokens"])
        chunks = self.server.events("/v1/chat/completions", chat(stream=True, stream_options={"include_usage": True}))
        self.assertEqual("".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"]), text)
        self.assertEqual(chunks[0]["choices"][0]["delta"]["role"], "assistant")
        self.assertEqual(chunks[-1]["usage"]["completion_tokens"], usage["completion_tokens"])
        # The prompt was read before: all but its last token is found.
        self.assertEqual(chunks[-1]["usage"]["prompt_tokens_details"]["cached_tokens"], usage["prompt_tokens"] - 1)

    def test_answers_do_not_depend_on_company(self):
        alone = [self.server.ask("/v1/chat/completions", chat(seed=seed))["choices"][0] for seed in range(12)]
        together = [None] * 12

        def one(seed):
            together[seed] = self.server.ask("/v1/chat/completions", chat(seed=seed))["choices"][0]
        threads = [threading.Thread(target=one, args=(seed,)) for seed in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(together, alone)

    def test_several_choices_log_probabilities_stop_and_bias(self):
        two = self.server.ask("/v1/chat/completions", chat(n=2, logprobs=True, top_logprobs=3))
        self.assertEqual([c["index"] for c in two["choices"]], [0, 1])
        for row in two["choices"][0]["logprobs"]["content"]:
            self.assertLessEqual(row["logprob"], 0)
            self.assertEqual(len(row["top_logprobs"]), 3)
        text = two["choices"][0]["message"]["content"]
        cut = self.server.ask("/v1/chat/completions", chat(stop=[text[2]]))["choices"][0]
        self.assertEqual(cut["message"]["content"], text.split(text[2])[0])
        first = self.server.ask("/tokenize", {"text": text})["tokens"][0]
        biased = self.server.ask("/v1/chat/completions", chat(logit_bias={str(first): -100}))["choices"][0]
        self.assertNotEqual(biased["message"]["content"][:1], "")
        self.assertNotEqual(self.server.ask("/tokenize", {"text": biased["message"]["content"]})["tokens"][:1], [first])

    def test_json_by_schema_and_tool_calls(self):
        schema = {"type": "object", "properties": {"이름": {"type": "string", "maxLength": 8},
                                                   "age": {"type": "integer", "minimum": 0, "maximum": 120}},
                  "required": ["이름", "age"], "additionalProperties": False}
        for seed in range(5):
            body = chat(max_tokens=80, seed=seed,
                        response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema}})
            value = json.loads(self.server.ask("/v1/chat/completions", body)["choices"][0]["message"]["content"])
            self.assertEqual(sorted(value), sorted(["이름", "age"]))
            self.assertTrue(0 <= value["age"] <= 120 and len(value["이름"]) <= 8)
        tools = [{"type": "function", "function": {"name": "weather", "parameters": {
            "type": "object", "properties": {"city": {"enum": ["서울", "부산"]}}, "required": ["city"]}}}]
        answer = self.server.ask("/v1/chat/completions", chat(max_tokens=80, tools=tools, tool_choice="required"))
        choice = answer["choices"][0]
        self.assertEqual(choice["finish_reason"], "tool_calls")
        call = choice["message"]["tool_calls"][0]["function"]
        self.assertEqual(call["name"], "weather")
        self.assertIn(json.loads(call["arguments"])["city"], ["서울", "부산"])
        refused = self.server.ask("/v1/chat/completions", chat(response_format={
            "type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "not": {}}}}), 400)
        self.assertIn("not", refused["error"]["message"])

    def test_what_makes_no_sense_is_refused_by_name(self):
        cases = [("messages", {"messages": []}), ("temperature", chat(temperature=-1)), ("max_tokens", chat(max_tokens=0)),
                 ("n", chat(n=10**9)), ("top_p", chat(top_p="a")), ("seed", chat(seed=1.5)), ("stop", chat(stop=[1])),
                 ("logit_bias", chat(logit_bias={"99999999": 1})), ("top_logprobs", chat(logprobs=True, top_logprobs=99)),
                 ("stream", chat(stream="yes")), ("messages[0].role", {"messages": [{"role": "boss", "content": "a"}]}),
                 ("tool_choice", chat(tools=[{"type": "function", "function": {"name": "f"}}], tool_choice="never"))]
        for field, body in cases:
            error = self.server.ask("/v1/chat/completions", body, 400)["error"]
            self.assertEqual(error["param"], field, error)
            self.assertEqual(error["type"], "invalid_request_error")
        for body in (b"{", b"[]", b'"\xff"', b'{"messages":"\xff\xfe"}', b"[" * 100000):
            self.assertEqual(self.server.call("POST", "/v1/chat/completions", body)[0], 400)
        self.assertEqual(self.server.ask("/v1/chat/completions", chat(model="no"), 404)["error"]["code"], "model_not_found")
        long = {"messages": [{"role": "user", "content": "가나다 " * 20000}]}
        error = self.server.ask("/v1/chat/completions", long, 400)["error"]
        self.assertEqual(error["code"], "context_length_exceeded")
        self.assertIn("too many", error["message"])
        self.assertEqual(self.server.call("POST", "/v1/chat/completions", b"a" * (5 << 20))[0], 413)
        self.assertEqual(self.server.call("GET", "/v1/chat/completions")[0], 405)
        self.assertEqual(self.server.call("GET", "/nothing/../../etc/passwd")[0], 404)

    def test_texts_models_and_moderation(self):
        ids = self.server.ask("/tokenize", {"text": "온말은 한국어를 합니다."})["tokens"]
        self.assertEqual(self.server.ask("/detokenize", {"tokens": ids})["content"], "온말은 한국어를 합니다.")
        ranked = self.server.ask("/v1/rerank", {"query": "학교를", "documents": ["바다는 넓다", "학교에서는 배운다"]})
        self.assertEqual(ranked["results"][0]["index"], 1)
        judged = self.server.ask("/v1/moderations", {"input": ["안녕하세요", "이 병신 같은 새끼야"]})["results"]
        self.assertEqual([row["flagged"] for row in judged], [False, True])
        self.assertTrue(any(mark["spans"] for mark in judged[1]["spans"]))
        completed = self.server.ask("/v1/completions", {"prompt": "이 영화는", "max_tokens": 5, "seed": 1, "echo": True})
        self.assertTrue(completed["choices"][0]["text"].startswith("이 영화는"))
        self.assertEqual(self.server.ask("/v1/embeddings", {"input": "a"}, 404)["error"]["code"], "model_not_found")

    def test_every_route_is_described_and_every_description_answers(self):
        description = json.loads(self.server.call("GET", "/openapi.json")[1])
        for path, methods in description["paths"].items():
            real = path.replace("{model}", "starter").replace("{name}", "nobody").replace("{id}", "1")
            for method in methods:
                status, data, _ = self.server.call(method.upper(), real, b"{}" if method == "post" else None)
                self.assertNotEqual(status, 405, path)
                if status == 404:
                    self.assertNotIn("nothing at this address", json.loads(data)["error"]["message"])
        self.assertIn("nothing at this address", json.loads(self.server.call("GET", "/nowhere")[1])["error"]["message"])

    def test_an_answer_that_must_not_go_on_stops_its_request(self):
        # The answer is prescribed: whatever the model, it would go on for hundreds of tokens.
        begin = "옛날에 어떤 사람이 살았는데 이 병신"
        told = begin + " 그리고 다시 길을 떠났다." * 30
        schema = {"type": "object", "properties": {"a": {"enum": [told]}}, "required": ["a"]}
        body = chat(max_tokens=900, response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}})
        before = len(self.server.ask("/tokenize", {"text": json.dumps({"a": begin}, ensure_ascii=False)})["tokens"])
        whole = self.server.ask("/v1/chat/completions", body)
        chunks = self.server.events("/v1/chat/completions", {**body, "stream": True, "stream_options": {"include_usage": True}})
        text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
        for shown, finish, usage in (
                (whole["choices"][0]["message"]["content"], whole["choices"][0]["finish_reason"], whole["usage"]),
                (text, chunks[-2]["choices"][0]["finish_reason"], chunks[-1]["usage"])):
            self.assertEqual(finish, "content_filter")
            self.assertNotIn("병", shown)
            # At most 24 characters are written before it is looked at, and what of a syllable is under way.
            self.assertLessEqual(usage["completion_tokens"], before + 24 + 4)
        responses = self.server.ask("/v1/responses", {"input": "배고파", "max_output_tokens": 900, "text": {
            "format": {"type": "json_schema", "name": "a", "schema": schema}}})
        self.assertEqual(responses["incomplete_details"]["reason"], "content_filter")
        self.assertLessEqual(responses["usage"]["output_tokens"], before + 24 + 4)

    def test_an_answer_from_documents_that_is_blocked_is_not_told(self):
        body, headers = upload([("motto.txt", "우리 회사의 구호는 '병신 같은 새끼들아 일어나라' 이다.\n".encode())])
        self.assertEqual(self.server.call("POST", "/api/collections/mottos/documents", body, headers)[0], 200)
        _, data, _ = self.server.call("POST", "/api/ask", {"question": "우리 회사의 구호는 무엇인가요?", "collection": "mottos"})
        rows = [json.loads(line[6:]) for line in data.decode().split("\n") if line.startswith("data: {")]
        self.assertEqual(rows[-1].get("error", {}).get("code"), "content_filter", rows[-1])
        self.assertEqual([row for row in rows if row.get("type") in ("delta", "answer")], [])

    def test_a_map_of_words_is_there_by_default(self):
        status, data, _ = self.server.call("GET", "/api/words/map")
        self.assertEqual(status, 200, data)
        points = json.loads(data)["points"]
        self.assertGreater(len(points), 150)
        self.assertEqual({p["language"] for p in points}, {"ko", "en"})
        self.assertTrue({"왕", "king"} <= {p["word"] for p in points})
        self.assertTrue(all(abs(p[axis]) < 10 for p in points for axis in "xy"))
        self.assertGreater(len({(p["x"], p["y"]) for p in points}), 0.9 * len(points))
        self.assertEqual(self.server.call("GET", "/api/words/map?model=starter")[1], data)
        self.assertEqual(self.server.call("GET", "/api/words/map?model=none")[0], 404)

    def test_other_hosts_and_other_content_types_are_refused(self):
        for host, status in (("localhost", 200), ("evil.example", 403), ("127.0.0.1.evil.example", 403)):
            self.assertEqual(self.server.call("GET", "/v1/models", headers={"Host": host})[0], status, host)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            status, data, _ = self.server.call("POST", "/v1/chat/completions", chat(), {"Content-Type": kind})
            self.assertEqual((status, json.loads(data)["error"]["code"]), (415, "unsupported_media_type"))

    def test_looking_inside(self):
        seen = self.server.ask("/api/attend", {"text": "나는 학교에 갔다", "level": "word"})
        self.assertEqual(len(seen["weights"]), seen["layers"])
        self.assertEqual(len(seen["weights"][0]), seen["heads"])
        for row in seen["weights"][0][0]:
            self.assertAlmostEqual(sum(row), 1, delta=1e-3)
        tokens = self.server.ask("/api/tokens", {"text": "나는 학교"})
        self.assertEqual(tokens["tokens"][-1]["end"], len("나는 학교".encode()))
        near = self.server.ask("/api/next", {"text": "이 영화는", "top": 7})["candidates"]
        self.assertEqual(len(near), 7)
        self.assertEqual(near, sorted(near, key=lambda row: -row["logit"]))

    def test_documents_from_upload_to_a_cited_answer(self):
        text = "# 휴가 규정\n\n직원의 연차 휴가는 열다섯 날이다. 휴가는 팀장에게 신청한다.\n"
        body, headers = upload([("rules.md", text.encode()), ("../../evil.txt", b"an innocent text of some length"),
                                ("broken.pdf", b"%PDF-1.7 nothing")])
        status, data, _ = self.server.call("POST", "/api/collections/hr/documents", body, headers)
        self.assertEqual(status, 200, data)
        rows = [json.loads(line[6:]) for line in data.decode().split("\n") if line.startswith("data: {")]
        self.assertEqual([row["file"] for row in rows if row["type"] == "refused"], ["broken.pdf"])
        self.assertEqual(len([row for row in rows if row["type"] == "document"]), 2)
        self.assertFalse((self.folder.parent / "evil.txt").exists())
        events = self.server.events("/api/ask", {"question": "연차 휴가는 며칠인가요?", "collection": "hr"})
        answer = next(e for e in events if e["type"] == "answer")
        self.assertIn("열다섯", answer["text"])
        citation = answer["citations"][0]
        self.assertEqual(citation["source"], "rules.md")
        self.assertIn(citation["quote"], text)
        self.assertEqual([claim["verdict"] for claim in answer["claims"]], ["supported"] * len(answer["claims"]))
        claim = answer["claims"][0]
        self.assertIn(claim["evidence"]["quote"], text)
        self.assertIn(answer["text"].encode()[claim["start"]:claim["end"]].decode(), text)
        self.assertEqual(claim["evidence"]["passage"], citation["passage"])
        unchecked = self.server.events("/api/ask", {"question": "연차 휴가는 며칠인가요?", "collection": "hr", "claims": "off"})
        self.assertEqual(next(e for e in unchecked if e["type"] == "answer")["claims"], [])
        steps = [e["step"] for e in events if e["type"] == "step" and e["state"] == "end"]
        self.assertEqual(steps, ["prompt", "search", "passages", "context", "answer"])
        _, data, _ = self.server.call("GET", f"/api/collections/hr/passages/{citation['passage']}")
        self.assertIn("열다섯", json.loads(data)["text"])
        self.assertEqual(self.server.call("GET", f"/api/collections/other/passages/{citation['passage']}")[0], 404)
        listed = json.loads(self.server.call("GET", "/api/collections/hr/documents")[1])["documents"]
        for row in listed:
            self.assertEqual(self.server.call("DELETE", f"/api/collections/hr/documents/{row['id']}")[0], 200)
        self.assertEqual(json.loads(self.server.call("GET", "/api/collections/hr/documents")[1])["documents"], [])

    def test_clients_that_vanish_or_dawdle(self):
        before = self.server.resident_kb()
        rng = random.Random(3)
        for _ in range(60):
            dropped = socket.create_connection(("127.0.0.1", self.server.port))
            body = json.dumps(chat(max_tokens=400, stream=True)).encode()
            dropped.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            if rng.random() < 0.7:
                dropped.recv(100)
            dropped.close()
        slow = [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(300)]
        for one in slow:
            one.sendall(b"GET /healthz HT")
        began = time.monotonic()
        self.assertEqual(self.server.call("GET", "/healthz")[0], 200)
        self.assertLess(time.monotonic() - began, 2)
        self.assertTrue(self.server.ask("/v1/chat/completions", chat())["choices"])
        for one in slow:
            one.close()
        self.assertLess(self.server.resident_kb() - before, 100_000)

    def test_metrics_and_totals(self):
        self.server.ask("/v1/chat/completions", chat())
        text = self.server.call("GET", "/metrics")[1].decode()
        self.assertRegex(text, r"(?m)^onmal_\w+")
        totals = json.loads(self.server.call("GET", "/api/resources")[1])
        self.assertGreater(totals["total"]["completion_tokens"], 0)
        self.assertIn(totals["total"]["joules"]["source"], ("measured", "unknown"))
        page = self.server.call("GET", "/")
        self.assertEqual(page[0], 200)
        self.assertIn(b"<html", page[1])


def write_adapter(folder, names, shape=(256, 256), rank=2):
    """A LoRA adapter in PEFT's layout that changes much."""
    rng = random.Random(1)
    header, data = {}, b""
    for name in names:
        for part, size in (("A", (rank, shape[1])), ("B", (shape[0], rank))):
            values = struct.pack(f"<{size[0] * size[1]}f", *(rng.gauss(0, 1) for _ in range(size[0] * size[1])))
            header[f"base_model.model.{name}.lora_{part}.weight"] = {
                "dtype": "F32", "shape": list(size), "data_offsets": [len(data), len(data) + len(values)]}
            data += values
    folder.mkdir()
    text = json.dumps(header).encode()
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "adapter_config.json").write_text(json.dumps({
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": 2 * rank, "target_modules": ["q_proj"],
        "base_model_name_or_path": "starter"}))


class ModelsTest(unittest.TestCase):
    def test_models_and_adapters_by_name_within_a_memory(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-serve-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        write_adapter(folder / "tuned", [f"model.layers.{i}.self_attn.q_proj" for i in range(6)])
        (folder / "words.vec").write_text("4 2\n왕 1 0\n여왕 1 0.5\nking 0 1\nqueen 0.5 1\n", encoding="utf-8")
        (folder / "prices.toml").write_text('currency = "KRW"\nper_million_prompt_tokens = 100\nper_kwh = 180\n'
                                            '[models."starter:tuned"]\nper_million_completion_tokens = 1000\n')
        weights = SOURCE / "models" / "starter" / "starter-q8_0.gguf"
        size = weights.stat().st_size
        server = Server(folder, "-m", f"second={weights}", "--adapter", f"tuned={folder / 'tuned'}", "--model-memory",
                        int(1.5 * size), "--words", folder / "words.vec", "--prices", folder / "prices.toml",
                        "--watts", "20", "--parallel", "1")
        self.addCleanup(server.kill)

        def states():
            return {row["id"]: row["state"] for row in json.loads(server.call("GET", "/v1/models")[1])["data"]}

        def answer(model, **more):
            return server.ask("/v1/chat/completions", chat(model=model, temperature=0, **more))
        self.assertEqual(states(), {"starter": "unloaded", "second": "unloaded", "starter:tuned": "unloaded"})
        plain = answer("starter")
        tuned = answer("tuned")
        self.assertEqual(states(), {"starter": "loaded", "second": "unloaded", "starter:tuned": "loaded"})
        self.assertEqual((plain["model"], tuned["model"]), ("starter", "starter:tuned"))
        self.assertEqual(answer("starter:tuned")["choices"], tuned["choices"])
        self.assertNotEqual(tuned["choices"], plain["choices"])
        self.assertEqual(answer("second")["choices"], plain["choices"])  # the same weights
        self.assertEqual(states(), {"starter": "unloaded", "second": "loaded", "starter:tuned": "unloaded"})
        self.assertEqual(json.loads(server.call("GET", "/v1/models/tuned")[1])["parent"], "starter")
        for unknown in ("none", "starter:none", "none:tuned", "second:tuned"):
            error = server.ask("/v1/chat/completions", chat(model=unknown), 404)["error"]
            self.assertEqual((error["code"], error["param"]), ("model_not_found", "model"))
        # An adapter that answers keeps its base, which leaves too little for another model, unless it has ended before.
        statuses = set()
        for _ in range(20):
            stream = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            stream.request("POST", "/v1/chat/completions", json.dumps(chat(
                model="starter:tuned", max_tokens=900, stream=True, logit_bias={str(i): -100 for i in range(8180, 8192)})),
                           {"Content-Type": "application/json"})
            response = stream.getresponse()
            status, data, headers = server.call("POST", "/v1/chat/completions", chat(model="second"))
            statuses.add(status)
            self.assertIn(b"[DONE]", response.read())
            stream.close()
            if status == 503:
                self.assertEqual(json.loads(data)["error"]["code"], "model_memory_full")
                self.assertIn("Retry-After", headers)
                break
        self.assertIn(503, statuses)
        self.assertEqual(answer("starter")["choices"], plain["choices"])
        self.assertEqual(answer("tuned")["choices"], tuned["choices"])
        # Prices: of the model, or those of all.
        for document, tokens in ((plain, 0), (tuned, 1000)):
            resources, usage = document["onmal"]["resources"], document["usage"]
            cached = usage["prompt_tokens_details"]["cached_tokens"]
            expected = ((usage["prompt_tokens"] - cached) * 100 + usage["completion_tokens"] * tokens) / 1e6
            expected += resources["joules"] / 3.6e6 * 180
            self.assertAlmostEqual(resources["cost"]["value"], expected, delta=1e-9)
            self.assertEqual(resources["cost"]["currency"], "KRW")
            self.assertIn(resources["joules_source"], ("measured", "estimated"))
        total = json.loads(server.call("GET", "/api/resources")[1])["total"]
        self.assertGreater(total["cost"]["value"], plain["onmal"]["resources"]["cost"]["value"])
        self.assertAlmostEqual(total["joules_per_syllable"], total["joules"]["value"] / total["syllables"], delta=1e-6)
        drawn = json.loads(server.call("GET", "/api/words/map")[1])
        self.assertEqual(sorted(p["word"] for p in drawn["points"]), ["king", "queen", "여왕", "왕"])
        self.assertEqual(server.end(), 0)

    def test_what_cannot_be_served_is_said_at_the_start(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-serve-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        starter = SOURCE / "models" / "starter"
        (folder / "prices.toml").write_text('currency = "KRW"\nper_mile = 1\n')
        for arguments, says in ((("--model-memory", "1MB"), "--model-memory"), (("--adapter", "no:a=" + str(starter)), "'no'"),
                                (("--adapter", "a=/nowhere"), "nowhere"), (("--prices", folder / "prices.toml"), "per_mile")):
            done = subprocess.run([end_to_end.ONMAL, "serve", "--no-store", "--port", "0", "-m", starter, *map(str, arguments)],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 1, says)
            self.assertIn(says, done.stderr)


class KeysTest(unittest.TestCase):
    def test_only_those_with_a_key_are_let_in(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-serve-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        made = subprocess.run([end_to_end.ONMAL, "serve", "--new-key", "kim", "--api-keys", folder / "keys"],
                              capture_output=True, text=True, check=True)
        key = made.stdout.strip()
        self.assertNotIn(key, (folder / "keys").read_text())
        server = Server(folder, "--api-keys", folder / "keys", "--audit", folder / "audit.jsonl")
        self.addCleanup(server.kill)
        self.assertEqual(server.call("GET", "/healthz")[0], 200)
        self.assertEqual(server.call("GET", "/v1/models")[0], 401)
        self.assertEqual(server.call("GET", "/v1/models", headers={"Authorization": "Bearer wrong"})[0], 401)
        self.assertEqual(server.call("GET", "/v1/models", headers={"Authorization": f"Bearer {key}"})[0], 200)
        server.ask("/v1/chat/completions", chat(), headers={"Authorization": f"Bearer {key}"})
        self.assertEqual(server.end(), 0)
        audit = (folder / "audit.jsonl").read_text()
        self.assertIn('"kim"', audit)
        self.assertNotIn("배고파", audit)

    def test_an_open_address_needs_keys(self):
        done = subprocess.run([end_to_end.ONMAL, "serve", "--host", "0.0.0.0", "--port", "0"],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--api-keys", done.stderr)

    def test_what_was_acknowledged_survives_a_kill(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-serve-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        rng = random.Random(7)
        known = set()
        for turn in range(4):
            server = Server(folder)
            names = [f"t{turn}-{i}.txt" for i in range(12)]

            def send():
                for name in names:
                    body, headers = upload([(name, f"문서 {name} 의 내용은 표식{name} 이다.".encode())])
                    try:
                        _, data, _ = server.call("POST", "/api/collections/c/documents", body, headers, 10)
                    except OSError:
                        return
                    except http.client.HTTPException:
                        return
                    if b'"type":"document"' in data:
                        known.add(name)
            thread = threading.Thread(target=send)
            thread.start()
            time.sleep(rng.uniform(0.02, 0.25))
            server.process.kill()
            thread.join()
            server.kill()
        server = Server(folder)
        listed = {row["file"] for row in json.loads(server.call("GET", "/api/collections/c/documents")[1])["documents"]}
        self.assertEqual(server.end(), 0)
        self.assertTrue(known)
        self.assertLessEqual(known, listed)


if __name__ == "__main__":
    end_to_end.main()
