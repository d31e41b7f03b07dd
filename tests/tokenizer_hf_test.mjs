#!/usr/bin/env node
// Loads a tokenizer.json of ours in Hugging Face's own tokenizers (their Rust library, as the npm package
// @anush008/tokenizers) and compares ids with `onmal tokenize`.
// usage: tokenizer_hf_test.mjs ONMAL SOURCE_FOLDER; the package's folder in HF_TOKENIZERS_NODE, else exit status 77.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [onmal, source] = process.argv.slice(2);
const place = process.env.HF_TOKENIZERS_NODE;
if (!place) {
  console.log("SKIPPED: HF_TOKENIZERS_NODE does not name the folder of @anush008/tokenizers");
  process.exit(77);
}
const { Tokenizer } = createRequire(import.meta.url)(place);

const texts = ["ko.txt", "en.txt"].flatMap((name) =>
  readFileSync(join(source, "samples", name), "utf8").split("\n").filter((line) => line.length > 0));
texts.push("", " ", "  두 칸  ", "a\n\n b\t\tc", "1234567890 12 123 1,234.5", "don't WE'LL it's", "👍🏽 é ㅋㅋㅋ ㅠㅠ", "x".repeat(3000),
  "가나다".repeat(500), "\u0000\u0001", "fn main() { println!(\"안녕\"); }  // end", "１２３４５ ½ Ⅳ");

const folder = mkdtempSync(join(tmpdir(), "onmal-hf-"));
let compared = 0;
let failed = 0;
try {
  for (const pretokenizer of ["gpt-2", "llama-bpe", "qwen2", "superbpe"]) {
    const file = join(folder, `${pretokenizer}.json`);
    execFileSync(onmal, ["tokenizer", "train", "--input", join(source, "samples/ko.txt"), join(source, "samples/en.txt"),
      "--vocab-size", "1500", "--pretokenizer", pretokenizer, "-o", file], { stdio: "pipe" });
    const theirs = Tokenizer.fromFile(file);
    const input = join(folder, "text");
    for (const text of texts) {
      writeFileSync(input, text);
      const ours = JSON.parse(execFileSync(onmal, ["--json", "tokenize", "-m", file, "--file", input])).ids;
      const encoding = await theirs.encode(text, null, { addSpecialTokens: false });
      const want = Array.from(encoding.getIds());
      ++compared;
      if (JSON.stringify(ours) !== JSON.stringify(want)) {
        ++failed;
        console.log(`${pretokenizer}: ${JSON.stringify(text.slice(0, 60))}\n  ours   ${ours.slice(0, 20)}\n  theirs ${want.slice(0, 20)}`);
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
console.log(`${compared} texts compared, ${failed} differ`);
process.exit(failed > 0 || compared === 0 ? 1 : 0);
