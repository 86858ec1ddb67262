// A Node program with a worker under it. No BEAM is involved.
//
//     scripts/run-examples node
import assert from 'node:assert/strict'
import process, { kill } from 'node:process'
import { Worker } from './worker.js'

const worker = new Worker(process.argv[2])
const { name, functions } = await worker.ready
assert(functions.some((f) => f.name === 'upcase' && f.kind === 'function'))
console.log(`hello from ${name}`)

const summary = await worker.call('process_items', [['one', 'two', 'three']], {
  progress: ({ done, total, item }) => console.log(`${done} of ${total}: ${item}`),
})
assert.equal(summary.digests.length, 3)
await assert.rejects(worker.call('upcase', [42]), { reason: 'bad_args' })
await assert.rejects(worker.call('sleep', [60_000], { timeout: 20 }), { reason: 'timeout' })

// An endless stream, until the loop is left.
const taken = []
for await (const n of worker.stream('fibonacci', [], { credit: 4 })) {
  if (n > 50) break
  taken.push(n)
}
console.log(`taken: ${taken.join(' ')}`)

let added = 0
for await (const n of worker.stream('range', [1, 10_000])) added += n
console.log(`added: ${added}`)

// Cancelled from here, stopped over there.
const controller = new AbortController()
const sleep = worker.call('sleep', [60_000], { signal: controller.signal })
controller.abort()
await assert.rejects(sleep, { reason: 'cancelled', details: { still_running: false } })
console.log('cancelled')

// Killed from outside: who waits is told, and the next process answers.
const waiting = worker.call('sleep', [60_000])
kill(worker.pid, 'SIGKILL')
await assert.rejects(waiting, { reason: 'worker_down' })
await worker.ready
console.log(`${await worker.call('upcase', ['back again'])}, ${worker.restarts} restart`)

console.log(`stopped with status ${await worker.stop()}`)
