// The tests of the knowledge store on PostgreSQL with pgvector: PGlite behind a socket.
// usage: knowledge_pgvector_test.mjs KNOWLEDGE_TEST
// Skipped (77) where the packages of package.json are not installed.
import { spawn } from 'node:child_process'

const [knowledgeTest] = process.argv.slice(2)

async function load() {
  try {
    const [{ PGlite }, { vector }, { PGLiteSocketServer }] = await Promise.all([
      import('@electric-sql/pglite'), import('@electric-sql/pglite-pgvector'), import('@electric-sql/pglite-socket')])
    return { PGlite, vector, PGLiteSocketServer }
  } catch (error) {
    console.log(`skipped: ${error.message} (npm install in tests/node)`)
    process.exit(77)
  }
}

function run(connection) {
  return new Promise(resolve => {
    const child = spawn(knowledgeTest, ['--gtest_filter=*StoreTest*postgres'],
      { env: { ...process.env, ONMAL_TEST_POSTGRES: connection, ONMAL_TEST_NEEDS_PGVECTOR: '1' } })
    let output = ''
    child.stdout.on('data', data => { output += data })
    child.stderr.on('data', data => { output += data })
    child.on('close', code => resolve({ code, output }))
  })
}

const { PGlite, vector, PGLiteSocketServer } = await load()
const database = await PGlite.create({ extensions: { vector } })
const server = new PGLiteSocketServer({ db: database, host: '127.0.0.1', port: 0, maxConnections: 8 })
const port = await new Promise(resolve => {
  server.addEventListener('listening', event => resolve(event.detail.port))
  server.start()
})
const { code, output } = await run(`postgresql://postgres:postgres@127.0.0.1:${port}/postgres?sslmode=disable`)
await server.stop()
await database.close()
console.log(output)
if (code !== 0 || /SKIPPED/.test(output) || !/PASSED  \] [1-9]/.test(output)) {
  console.log('FAILED')
  process.exit(1)
}
console.log('pgvector: all passed')
process.exit(0)
