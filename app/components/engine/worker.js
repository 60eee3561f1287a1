// The one worker of a tab in which networks run. Messages: {id, do: "load" | "run" | "drop", …} -> {id, found | says}.
import { sentence, session, tensor } from "./runtime.js";

const sessions = new Map(); // address: a promise of its session
let last = Promise.resolve(); // one run after the other

const orders = {
  async load({ url, sha256 }) {
    if (!sessions.has(url)) sessions.set(url, session(url, sha256));
    try {
      const { inputNames, outputNames } = await sessions.get(url);
      return { inputNames, outputNames };
    } catch (error) {
      sessions.delete(url); // the next one tries again
      throw error;
    }
  },

  async run({ url, tensors }) {
    const ready = await sessions.get(url);
    if (!ready) throw new Error("This network has not been loaded.");
    const feeds = {};
    for (const [name, plain] of Object.entries(tensors)) feeds[name] = await tensor(plain);
    const turn = last.then(() => ready.run(feeds));
    last = turn.catch(() => {});
    const made = await turn, found = {};
    for (const [name, { data, dims }] of Object.entries(made)) found[name] = { data: data.slice(), dims };
    return found;
  },

  async drop({ url }) {
    const gone = await sessions.get(url);
    sessions.delete(url);
    await gone?.release();
  },
};

onmessage = async ({ data }) => {
  try {
    const found = await orders[data.do](data);
    const parts = data.do === "run" ? Object.values(found).map((one) => one.data.buffer) : [];
    postMessage({ id: data.id, found }, parts);
  } catch (error) {
    postMessage({ id: data.id, says: sentence(error) });
  }
};
