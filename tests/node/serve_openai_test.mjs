// onmal serve, used through the openai client.
// usage: serve_openai_test.mjs ONMAL PROJECT [EMBEDDING_MODEL]
// Skipped (77) where the packages of package.json are not installed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const [onmal, project, embedder] = process.argv.slice(2)

async function load() {
  try {
    return (await import('openai')).default
  } catch (error) {
    console.log(`skipped: ${error.message} (npm install in tests/node)`)
    process.exit(77)
  }
}

const OpenAI = await load()
const folder = mkdtempSync(join(tmpdir(), 'onmal-openai-'))
const models = ['-m', join(project, 'models', 'starter'), ...(embedder ? ['-m', `vectors=${embedder}`] : [])]
const server = spawn(onmal, ['serve', '--port', '0', '-k', join(folder, 'store.db'), ...models])
const address = await new Promise((resolve, reject) => {
  let text = ''
  server.stdout.on('data', data => { text += data; if (text.includes('\n')) resolve(text.trim()) })
  server.on('close', code => reject(new Error(`the server ended with ${code}`)))
})
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'none', maxRetries: 0 })
const messages = [{ role: 'user', content: '배고파' }]
const common = { model: 'starter', messages, max_tokens: 16, seed: 5 }

const weather = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string', enum: ['서울', '부산'] } }, required: ['city'], additionalProperties: false },
  },
}
const person = {
  type: 'object',
  properties: { name: { type: 'string', maxLength: 10 }, age: { type: 'integer', minimum: 0, maximum: 150 } },
  required: ['name', 'age'],
  additionalProperties: false,
}

const tests = {
  async 'models are listed'() {
    const ids = []
    for await (const model of client.models.list()) ids.push(model.id)
    assert.ok(ids.includes('starter'))
    assert.equal((await client.models.retrieve('starter')).id, 'starter')
  },
  async 'a chat, whole and streamed, says the same'() {
    const whole = await client.chat.completions.create(common)
    const text = whole.choices[0].message.content
    assert.ok(text.length > 0)
    assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens)
    let streamed = ''
    let usage
    const stream = await client.chat.completions.create({ ...common, stream: true, stream_options: { include_usage: true } })
    for await (const chunk of stream) {
      streamed += chunk.choices[0]?.delta?.content ?? ''
      usage = chunk.usage ?? usage
    }
    assert.equal(streamed, text)
    assert.equal(usage.completion_tokens, whole.usage.completion_tokens)
  },
  async 'a stream that the client leaves is ended'() {
    const stream = await client.chat.completions.create({ ...common, max_tokens: 3000, stream: true, stop: undefined })
    for await (const chunk of stream) { assert.ok(chunk.id); break }
    stream.controller.abort()
    assert.ok((await client.chat.completions.create(common)).choices.length === 1)
  },
  async 'tools are called with arguments that fit'() {
    const answer = await client.chat.completions.create({ ...common, max_tokens: 100, tools: [weather], tool_choice: 'required' })
    assert.equal(answer.choices[0].finish_reason, 'tool_calls')
    const call = answer.choices[0].message.tool_calls[0]
    assert.equal(call.function.name, 'weather')
    assert.ok(['서울', '부산'].includes(JSON.parse(call.function.arguments).city))
    const runner = client.chat.completions.stream({ ...common, max_tokens: 100, tools: [weather], tool_choice: 'required' })
    const streamed = await runner.finalChatCompletion()
    assert.equal(streamed.choices[0].message.tool_calls[0].function.name, 'weather')
    // What a tool said goes back to the model.
    const back = await client.chat.completions.create({
      ...common, messages: [...messages, answer.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '맑음' }] })
    assert.ok(back.choices[0].message)
  },
  async 'JSON by schema'() {
    for (let seed = 0; seed < 8; seed++) {
      const answer = await client.chat.completions.create({
        ...common, seed, max_tokens: 100, temperature: 1.5,
        response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema: person } } })
      const value = JSON.parse(answer.choices[0].message.content)
      assert.deepEqual(Object.keys(value).sort(), ['age', 'name'])
      assert.ok(Number.isInteger(value.age) && value.age >= 0 && value.age <= 150)
    }
    const any = await client.chat.completions.create({ ...common, max_tokens: 60, response_format: { type: 'json_object' } })
    assert.equal(typeof JSON.parse(any.choices[0].message.content), 'object')
  },
  async 'responses, whole and streamed'() {
    const asked = { model: 'starter', input: '배고파', max_output_tokens: 16, temperature: 0 }
    const whole = await client.responses.create(asked)
    assert.ok(whole.output_text.length > 0)
    assert.equal(whole.usage.total_tokens, whole.usage.input_tokens + whole.usage.output_tokens)
    let streamed = ''
    let ended
    for await (const event of await client.responses.create({ ...asked, stream: true })) {
      if (event.type === 'response.output_text.delta') streamed += event.delta
      if (event.type === 'response.completed' || event.type === 'response.incomplete') ended = event.response
    }
    assert.equal(streamed, whole.output_text)
    assert.equal(ended.usage.output_tokens, whole.usage.output_tokens)
    const formed = await client.responses.create({
      ...asked, max_output_tokens: 100, text: { format: { type: 'json_schema', name: 'person', schema: person } } })
    assert.deepEqual(Object.keys(JSON.parse(formed.output_text)).sort(), ['age', 'name'])
    await assert.rejects(client.responses.create({ ...asked, previous_response_id: 'resp_1' }), OpenAI.BadRequestError)
  },
  async 'log-probabilities'() {
    const answer = await client.chat.completions.create({ ...common, logprobs: true, top_logprobs: 4 })
    const rows = answer.choices[0].logprobs.content
    assert.ok(rows.length > 0 && rows.every(row => row.logprob <= 0 && row.top_logprobs.length === 4))
  },
  async 'completions'() {
    const answer = await client.completions.create({ model: 'starter', prompt: '이 영화는', max_tokens: 8, seed: 1, n: 2 })
    assert.equal(answer.choices.length, 2)
  },
  async 'moderations'() {
    const { results } = await client.moderations.create({ input: ['좋은 아침입니다', '이 병신 같은 새끼야'] })
    assert.deepEqual(results.map(result => result.flagged), [false, true])
    assert.equal(typeof results[1].category_scores.harassment, 'number')
  },
  async 'embeddings'() {
    if (!embedder) {
      await assert.rejects(client.embeddings.create({ model: 'vectors', input: 'a', encoding_format: 'float' }), { status: 404 })
      return
    }
    for (const encoding_format of ['float', 'base64', undefined]) {
      const answer = await client.embeddings.create({ model: 'vectors', input: ['학교', '바다'], encoding_format })
      assert.equal(answer.data.length, 2)
      if (encoding_format !== 'base64') {
        const vector = answer.data[0].embedding
        assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-3)
      }
    }
  },
  async 'errors are those that the client knows'() {
    await assert.rejects(client.chat.completions.create({ ...common, model: 'none' }), OpenAI.NotFoundError)
    await assert.rejects(client.chat.completions.create({ ...common, temperature: 9 }), OpenAI.BadRequestError)
    await assert.rejects(client.chat.completions.create({ ...common, messages: [{ role: 'user', content: '가 '.repeat(20000) }] }),
      error => error.code === 'context_length_exceeded')
  },
}

let failed = 0
for (const [name, test] of Object.entries(tests)) {
  try {
    await test()
    console.log(`ok - ${name}`)
  } catch (error) {
    failed += 1
    console.log(`FAILED - ${name}\n${error.stack}`)
  }
}
server.removeAllListeners('close')
server.kill('SIGTERM')
await new Promise(resolve => server.on('close', resolve))
rmSync(folder, { recursive: true, force: true })
process.exit(failed ? 1 : 0)
