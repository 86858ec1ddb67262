// A supervisor and client of a worker: it starts the process, starts it again when it dies, and
// speaks the protocol of docs/protocol.md in MessagePack.
import { spawn } from 'node:child_process'
import { decode, encode } from '@msgpack/msgpack'

export class WorkerError extends Error {
  constructor({ reason, message, details }) {
    super(message)
    Object.assign(this, { name: 'WorkerError', reason, details })
  }
}

export class Worker {
  #command
  #process
  #tasks = new Map() // by ref: what is to be told of results, progress and elements
  #lastRef = 0
  #backoff = 50 // ms before the next start; doubled up to 5 s, and reset by a hello
  #stopping = false
  #greeted
  restarts = 0
  ready // a promise of what the worker says in its hello

  constructor(command) {
    this.#command = command
    this.#expectHello()
    this.#start()
  }

  #expectHello() {
    this.ready = new Promise((resolve) => (this.#greeted = resolve))
  }

  #start() {
    if (this.#stopping) return
    const child = spawn(this.#command, [], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#process = child
    child.stdin.on('error', () => {}) // the end of the process says it all
    child.on('error', (error) => this.#down(child, error.message))
    child.on('close', (status, signal) => this.#down(child, `the worker ended: ${signal ?? `status ${status}`}`))
    // Packets do not come as the pipe does: four bytes of length, then that many.
    let unread = Buffer.alloc(0)
    child.stdout.on('data', (bytes) => {
      unread = Buffer.concat([unread, bytes])
      while (unread.length >= 4 && unread.length >= 4 + unread.readUInt32BE(0)) {
        const end = 4 + unread.readUInt32BE(0)
        this.#received(decode(unread.subarray(4, end)))
        unread = unread.subarray(end)
      }
    })
    this.#send(['hello', { protocol: 1 }])
  }

  // Everybody who waits is told; a process that was not asked to end is replaced.
  #down(child, message) {
    if (this.#process !== child) return
    this.#process = undefined
    for (const task of this.#tasks.values()) task.failed(new WorkerError({ reason: 'worker_down', message }))
    this.#tasks.clear()
    if (this.#stopping) return
    this.restarts++
    if (!this.#greeted) this.#expectHello() // else it died before its own
    setTimeout(() => this.#start(), this.#backoff)
    this.#backoff = Math.min(2 * this.#backoff, 5000)
  }

  #send(message) {
    const body = encode(message)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length)
    this.#process.stdin.write(Buffer.concat([length, body]))
  }

  // A packet is a message, an array that begins with its tag, or a list of messages.
  #received(packet) {
    if (Array.isArray(packet[0])) return packet.forEach((message) => this.#received(message))
    const [tag, ref, value] = packet
    const task = this.#tasks.get(ref)
    if (tag === 'hello') {
      this.#backoff = 50
      this.#greeted(ref)
      this.#greeted = undefined
    } else if (tag === 'progress') task?.progress(value)
    else if (tag === 'data') task?.data(value)
    else if (tag === 'result' && task) {
      this.#tasks.delete(ref)
      value[0] === 'ok' ? task.done(value[1]) : task.failed(new WorkerError(value[1]))
    }
  }

  #begin(name, args, options, task) {
    if (this.#process === undefined) throw new WorkerError({ reason: 'worker_down', message: 'the worker is being started again' })
    const ref = ++this.#lastRef
    this.#tasks.set(ref, task)
    this.#send(['call', ref, name, args, options])
    return ref
  }

  get pid() {
    return this.#process?.pid
  }

  // Calls a function. timeout is in milliseconds; a signal that aborts cancels the task.
  call(name, args, { timeout = 5000, progress = () => {}, signal } = {}) {
    return new Promise((done, failed) => {
      const ref = this.#begin(name, args, { timeout }, { done, failed, progress, data() {} })
      signal?.addEventListener('abort', () => this.#tasks.has(ref) && this.#send(['cancel', ref]), { once: true })
    })
  }

  // Yields a stream's elements. The worker is never more than credit elements ahead, and is stopped
  // when the loop is left.
  async *stream(name, args, { credit = 16 } = {}) {
    let ready = []
    let wake
    let end // of the stream: what it failed with, or nothing
    const finish = (error) => { end = { error }; wake?.() }
    const ref = this.#begin(name, args, { credit }, {
      done: () => finish(),
      failed: finish,
      progress() {},
      data: (elements) => { ready.push(...elements); wake?.() },
    })
    try {
      while (true) {
        if (ready.length === 0 && !end) await new Promise((resolve) => (wake = resolve))
        if (ready.length === 0) break
        const elements = ready
        ready = []
        yield* elements
        if (!end) this.#send(['credit', ref, elements.length])
      }
      if (end.error) throw end.error
    } finally {
      if (this.#tasks.has(ref)) this.#send(['cancel', ref])
    }
  }

  // Lets running tasks finish, and returns the status the process ended with.
  stop() {
    this.#stopping = true
    const child = this.#process
    if (child === undefined) return Promise.resolve(null)
    this.#send('drain')
    return new Promise((resolve) => child.on('close', resolve))
  }
}
