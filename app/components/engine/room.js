// The worker of a run that learns in this tab: one or two models on one clock. Messages: {do: "open" | "play" | "pause" |
// "step" | "speed" | "reset" | "hide" | "show", …} -> packs as the server's, {kind: "scene" | "frame" | "state" | "failed"}.
import { Learner, Stop } from "./learner.js";
import { sentence } from "./runtime.js";

const TURN = 30, BETWEEN = 125, SHARE = 3; // milliseconds of a moment, and between two frames; the part of the time that frames take
let models = [], playing = false, hidden = false, speed = 0, due = 0, shown = 0, cost = 0, counted = 0, since = 0, rate = 0;
let busy = Promise.resolve(); // one order after another, a moment of steps among them

const tell = (ended = "") => postMessage({ kind: "state", playing, speed, rate: playing ? rate : 0, ended, step: models[0]?.step ?? 0 });

async function show(turn = "both") {
  const begun = performance.now();
  for (const [lane, model] of models.entries()) postMessage({ lane, ...(await model.frame(turn)) });
  shown = performance.now();
  cost = shown - begun;
  if (shown - since > 1000) [rate, counted, since] = [(1000 * counted) / (shown - since), 0, shown];
  tell();
}

async function step(turn = "both") {
  try {
    for (const model of models) await model.advance(turn);
    counted++;
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    playing = false;
    tell(error.message);
  }
}

async function begin() {
  playing = false;
  for (const [lane, model] of models.entries()) postMessage({ lane, ...model.scene });
  await show("start");
}

const orders = {
  async open({ packs, given, home }) {
    models = [];
    for (const [lane, pack] of packs.entries()) models.push(await Learner.open(pack, home, given[lane]));
    await begin();
  },
  async reset() {
    for (const model of models) model.reset();
    await begin();
  },
  async play() {
    [playing, counted, since] = [true, 0, performance.now()];
    tell();
    advance();
  },
  async pause() {
    playing = false;
    await show();
  },
  async step({ turn }) {
    playing = false;
    await step(turn);
    await show(turn);
  },
  async speed() {
    tell();
  },
  async hide() {
    hidden = true;
  },
  async show() {
    hidden = false;
    [counted, since] = [0, performance.now()];
    advance();
  },
};

// A moment of steps, then the messages that have come, and so on.
const next = new MessageChannel();
let moving = false;
next.port1.onmessage = () => (busy = busy.then(moment).catch(fail));

function advance() {
  if (moving || !playing || hidden) return;
  moving = true;
  next.port2.postMessage(0);
}

async function moment() {
  moving = false;
  if (!playing || hidden) return;
  const until = performance.now() + TURN;
  for (let now = performance.now(); playing && now < until && now >= due; now = performance.now()) {
    await step();
    due = speed ? Math.max(due + 1000 / speed, now) : 0;
  }
  if (playing && performance.now() - shown >= Math.max(BETWEEN, SHARE * cost)) await show();
  const wait = playing ? due - performance.now() : 0;
  if (wait > 4) setTimeout(advance, wait);
  else advance();
}

function fail(error) {
  playing = false;
  postMessage({ kind: "failed", says: sentence(error) });
}

onmessage = ({ data }) => {
  if (data.speed !== undefined && data.speed !== null) [speed, due] = [data.speed, performance.now()];
  busy = busy.then(() => orders[data.do](data)).catch(fail);
};
