// Constrained JSON judged by ajv: random walks through the automaton of random schemas, then answers of a model.
// usage: json_schema_test.mjs JSON_SCHEMA_DUMP MODEL [SCHEMAS [ANSWERS [SEED]]]
// Skipped (77) where the packages of package.json are not installed.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { existsSync } from 'node:fs'
import { makeRandom, makeSchema } from './random_schemas.mjs'

const [dump, model, schemaCount = '1500', answerCount = '1000', seed = '1'] = process.argv.slice(2)

async function load() {
  try {
    const [{ default: Ajv }, { default: addFormats }] = await Promise.all([import('ajv/dist/2020.js'), import('ajv-formats')])
    return { Ajv, addFormats }
  } catch (error) {
    console.log(`skipped: ${error.message} (npm install in tests/node)`)
    process.exit(77)
  }
}

// Tasks in, one answer each in the same order out.
function run(args, tasks) {
  return new Promise((resolve, reject) => {
    const child = spawn(dump, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const answers = []
    createInterface({ input: child.stdout }).on('line', line => answers.push(JSON.parse(line)))
    child.on('close', code => code === 0 && answers.length === tasks.length ? resolve(answers)
      : reject(new Error(`${dump} ${args[0]}: exit ${code} after ${answers.length} of ${tasks.length}`)))
    child.stdin.on('error', () => {})
    child.stdin.end(tasks.map(task => JSON.stringify(task) + '\n').join(''))
  })
}

const { Ajv, addFormats } = await load()
const random = makeRandom(Number(seed))
let failures = 0

function fail(task, text, why) {
  if (++failures <= 10) console.log(`FAILED: ${why}\n  schema ${JSON.stringify(task.schema)}\n  text   ${text}`)
}

function makeValidator(schema) {
  const ajv = new Ajv({ strict: false, allErrors: true })
  addFormats(ajv)
  return ajv.compile(schema)
}

// Whether ajv agrees with every text of a task.
function judge(task, texts) {
  const validate = makeValidator(task.schema)
  for (const text of texts) {
    let value
    try {
      value = JSON.parse(text)
    } catch (error) {
      fail(task, text, `not JSON: ${error.message}`)
      continue
    }
    if (!validate(value)) fail(task, text, ajvErrors(validate))
  }
}
const ajvErrors = validate => validate.errors.map(error => `${error.instancePath} ${error.message}`).join('; ')

function makeTasks(count) {
  return Array.from({ length: count }, () => ({ schema: makeSchema(random), options: { max_blanks: Math.floor(random() * 3) } }))
}

const walks = makeTasks(Number(schemaCount))
const walked = await run(['walk', seed, '8'], walks)
let refused = 0
walks.forEach((task, i) => {
  if (!walked[i].error) return judge(task, walked[i].texts)
  ++refused
  // The generator makes schemas that nothing satisfies, but none of what is not supported.
  if (!/no value satisfies it/.test(walked[i].error)) fail(task, '', walked[i].error)
})
console.log(`walks: ${walks.length - refused} schemas with 8 texts each, ${refused} that no value satisfies`)
if (refused > walks.length / 4) fail(walks[0], '', 'too many schemas without a value')

if (existsSync(model) && Number(answerCount) > 0) {
  const satisfiable = walks.filter((_, i) => !walked[i].error)
  const tasks = Array.from({ length: Number(answerCount) }, (_, i) => ({
    ...satisfiable[i % satisfiable.length], temperature: [0, 0.7, 1, 1.5, 3][i % 5],
    max_tokens: [40, 80, 200, 400][Math.floor(random() * 4)], prompt: ['Answer in JSON: ', '다음을 JSON으로 답하세요.\n'][i % 2] }))
  const answers = await run(['generate', model, seed], tasks)
  // Those told that so few tokens cannot do get as many as they were told.
  const needed = i => answers[i].error?.match(/too few for the shortest answer that is allowed, (\d+)/)?.[1]
  const short = tasks.map((_, i) => i).filter(needed)
  for (const i of short) {
    if (Number(needed(i)) <= tasks[i].max_tokens) fail(tasks[i], '', answers[i].error)
    tasks[i].max_tokens = Number(needed(i))
  }
  const again = await run(['generate', model, seed], short.map(i => tasks[i]))
  short.forEach((i, k) => { answers[i] = again[k] })
  let valid = 0
  let full = 0
  for (let i = 0; i < tasks.length; ++i) {
    if (answers[i].error) {
      fail(tasks[i], '', answers[i].error)
      continue
    }
    const before = failures
    judge(tasks[i], answers[i].texts)
    if (answers[i].tokens > tasks[i].max_tokens) fail(tasks[i], answers[i].texts[0], 'more tokens than allowed')
    if (answers[i].tokens === tasks[i].max_tokens) ++full
    if (failures === before) ++valid
  }
  console.log(`answers: ${valid} of ${tasks.length} valid; ${full} used all their tokens, ${short.length} were first refused for too few`)
}

console.log(failures === 0 ? 'json schema: all passed' : `FAILED: ${failures}`)
process.exit(failures === 0 ? 0 : 1)
