// ONNX Runtime Web, for a worker: started when it is first asked, one thread, files of this server only.
const HOME = new URL("onnxruntime-web-1.30.0/", import.meta.url).href; // as ali_core/models/runtime.py has it
const SCRIPT = HOME + "ort.wasm.bundle.min.mjs", BINARY = HOME + "ort-wasm-simd-threaded.wasm";
const MISSING = "A file of the runtime for networks is missing on this server: python -m ali_core runtime fetches it.";
const MEMORY = "This tab has not enough memory left for networks; close other tabs, and reload this one.";
let started = null;

// -> ONNX Runtime's module; who cannot have it hears a sentence
export function runtime() {
  return (started ||= start());
}

async function start() {
  if (typeof WebAssembly !== "object") throw new Error("This browser has no WebAssembly, or has it switched off.");
  const ort = await import(SCRIPT).catch(() => { throw new Error(MISSING); });
  ort.env.wasm.wasmPaths = { wasm: BINARY };
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
}

// -> a session of the graph at an address; sha256 (hex) is its file's, where it is known
export async function session(url, sha256 = "") {
  const ort = await runtime();
  const answer = await fetch(url).catch(() => null);
  if (answer?.status === 404) throw new Error("The network has been changed since this page was opened; reload it.");
  if (!answer?.ok) throw new Error("The network's graph cannot be fetched; is the server there?");
  const content = await answer.arrayBuffer();
  if (sha256 && crypto.subtle && (await digest(content)) !== sha256) {
    throw new Error("The network's graph is not the one that was asked for; reload the page.");
  }
  try {
    return await ort.InferenceSession.create(new Uint8Array(content), { executionProviders: ["wasm"] });
  } catch (error) {
    const why = sentence(error);
    if (why === MEMORY) throw new Error(why);
    if (!(await fetch(BINARY, { method: "HEAD" }).catch(() => null))?.ok) throw new Error(MISSING);
    if (/no available backend|wasm/i.test(why)) throw new Error(`WebAssembly does not start here (${why}).`);
    throw new Error(`The network's graph does not load (${why}).`);
  }
}

// What an error says to a reader
export function sentence(error) {
  const why = String(error?.message ?? error);
  return /out of memory|\bOOM\b|bad_alloc|(cannot|could not) allocate|allocation failed/i.test(why) ? MEMORY : why;
}

async function digest(content) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Plain {data, dims} as a tensor; its type is that of its array.
const TYPES = { Float32Array: "float32", BigInt64Array: "int64", Int32Array: "int32", Uint8Array: "uint8" };
export async function tensor({ data, dims }) {
  const ort = await runtime();
  return new ort.Tensor(TYPES[data.constructor.name], data, dims);
}
