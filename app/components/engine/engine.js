// Networks in the reader's own tab: load(url), then run(url, tensors). All components share this module, and so one
// worker, which starts when something is first loaded. A failure is an Error whose message is a sentence.
let worker = null, count = 0;
const waiting = new Map();

function start() {
  worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => {
    const [done, failed] = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.says === undefined) done(data.found);
    else failed(new Error(data.says));
  };
  worker.onerror = (event) => {
    event.preventDefault();
    const lost = [...waiting.values()];
    waiting.clear();
    worker.terminate();
    worker = null;
    for (const [, failed] of lost) failed(new Error("Networks cannot run in this browser: its worker does not start."));
  };
}

function ask(message, parts = []) {
  return new Promise((done, failed) => {
    try {
      if (!worker) start();
    } catch {
      return failed(new Error("This browser has no workers for scripts, or has them switched off."));
    }
    waiting.set(++count, [done, failed]);
    worker.postMessage({ id: count, ...message }, parts);
  });
}

// Loads the graph at an address, once; sha256 (hex) of its file where it is known. -> {inputNames, outputNames}
export const load = (url, sha256 = "") => ask({ do: "load", url: String(url), sha256 });

// Runs a loaded graph. tensors and the answer: {name: {data: typed array, dims: [...]}}
export const run = (url, tensors) => ask({ do: "run", url: String(url), tensors });

// Gives a graph's memory back.
export const drop = (url) => ask({ do: "drop", url: String(url) });

// A question that is asked again and again, one at a time: while one is being answered the newest waits, and those
// between are never asked. -> a function like `question`, whose promise is null where a newer one took its place
export function latest(question) {
  let busy = false, next = null;
  const go = async (words, done, failed) => {
    busy = true;
    await question(...words).then(done, failed);
    busy = false;
    const later = next;
    next = null;
    if (later) go(...later);
  };
  return (...words) => new Promise((done, failed) => {
    if (!busy) return go(words, done, failed);
    next?.[1](null);
    next = [words, done, failed];
  });
}
