// What llama.cpp makes of a GGUF file, to be compared with our own answers.
//   LLAMA_CPP_NODE=…/node_modules/node-llama-cpp node gguf_llamacpp_test.mjs MODEL.gguf
//     [--text TEXT]… [--prompt TEXT | --prompt-ids 1,2,3] [-n N] [--add-special]
// Prints one JSON document: {model, vocab_size, texts: [{text, ids, plain_ids, round_trip}],
// prompt_ids, generated_ids, generated_text}. `ids` are with special tokens parsed, `plain_ids` without.
// Generation is greedy on two CPU threads with an f32 KV cache and stops at an end token.
// Exit 0 done, 1 failed, 2 bad usage, 77 skipped (no LLAMA_CPP_NODE).
import {pathToFileURL} from "node:url";
import {statSync} from "node:fs";
import path from "node:path";
import {parseArgs} from "node:util";

function readOptions() {
  try {
    const {values, positionals} = parseArgs({
      allowPositionals: true,
      options: {
        "text": {type: "string", multiple: true, default: []},
        "prompt": {type: "string"},
        "prompt-ids": {type: "string"},
        "n": {type: "string", short: "n", default: "16"},
        "add-special": {type: "boolean", default: false},
      },
    });
    const count = Number(values.n);
    if (positionals.length !== 1 || !Number.isInteger(count) || count < 0) throw new Error("expected one MODEL.gguf and -n N");
    return {...values, model: positionals[0], count};
  } catch (error) {
    console.error(`${error.message}\nusage: gguf_llamacpp_test.mjs MODEL.gguf [--text TEXT]… ` +
                  "[--prompt TEXT | --prompt-ids 1,2,3] [-n N] [--add-special]");
    process.exit(2);
  }
}

// The package's folder or its entry file.
function packageEntry(given) {
  const file = statSync(given).isDirectory() ? path.join(given, "dist", "index.js") : given;
  return pathToFileURL(path.resolve(file)).href;
}

async function generate(model, promptIds, count) {
  const context = await model.createContext({
    contextSize: Math.max(256, promptIds.length + count + 8),
    batchSize: 512,
    threads: 2,
    flashAttention: false,
    experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32",
  });
  const sequence = context.getSequence();
  const ids = [];
  const options = {temperature: 0, yieldEogToken: true};
  if (count > 0) {
    for await (const id of sequence.evaluate(promptIds, options)) {
      ids.push(id);
      if (ids.length >= count || model.isEogToken(id)) break;
    }
  }
  await context.dispose();
  return ids;
}

async function main() {
  const options = readOptions();
  const given = process.env.LLAMA_CPP_NODE;
  if (!given) {
    console.error("SKIPPED: set LLAMA_CPP_NODE to the folder of the npm package node-llama-cpp to compare with llama.cpp");
    process.exit(77);
  }
  const {getLlama, LlamaLogLevel} = await import(packageEntry(given));
  const llama = await getLlama({
    gpu: false, build: "never", skipDownload: true, maxThreads: 2, progressLogs: false,
    logLevel: LlamaLogLevel.error,
    logger: (level, message) => console.error(`[llama.cpp ${level}] ${message.trimEnd()}`),
  });
  const model = await llama.loadModel({modelPath: path.resolve(options.model), gpuLayers: 0, useMmap: true});
  const texts = options.text.map((text) => {
    const ids = model.tokenize(text, true);
    return {text, ids, plain_ids: model.tokenize(text, false), round_trip: model.detokenize(ids, true)};
  });
  let promptIds = options["prompt-ids"] ? options["prompt-ids"].split(",").map(Number)
                                        : model.tokenize(options.prompt ?? "", true);
  const begin = model.tokens.bos;
  if (options["add-special"] && model.tokens.shouldPrependBosToken && begin != null && promptIds[0] !== begin) {
    promptIds = [begin, ...promptIds];
  }
  const generatedIds = promptIds.length > 0 ? await generate(model, promptIds, options.count) : [];
  console.log(JSON.stringify({
    model: options.model,
    vocab_size: model.fileInfo?.metadata?.tokenizer?.ggml?.tokens?.length ?? null,
    texts,
    prompt_ids: promptIds,
    generated_ids: generatedIds,
    generated_text: model.detokenize(generatedIds, true, promptIds),
  }));
  await model.dispose();
  await llama.dispose();
}

main().catch((error) => {
  console.error(error.stack ?? String(error));
  process.exit(1);
});
