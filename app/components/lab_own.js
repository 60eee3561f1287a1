// A live run that this tab trains itself, in a worker; as a Live to whoever shows it.
class TabRun {
  // The run of this key, which may have gone on resting while another page was looked at, or a new one in its place.
  static of(key, runs, heard, lost) {
    const kept = globalThis.aliTabRun;
    if (kept?.key === key && !kept.closed) {
      Object.assign(kept, { heard, lost });
      document.addEventListener("visibilitychange", kept.hidden);
      kept.hidden();
      queueMicrotask(heard);
      return kept;
    }
    kept?.close();
    return (globalThis.aliTabRun = new TabRun(key, runs, heard, lost));
  }

  constructor(key, runs, heard, lost) {
    this.key = key;
    this.secret = "this tab's";
    this.inTab = true;
    this.lanes = [];
    this.state = { playing: false, ended: "", waiting: 0, rate: 0 };
    this.making = { share: 0, says: "" };
    this.heard = heard;
    this.lost = lost;
    this.hidden = () => this.worker?.postMessage({ do: document.hidden ? "hide" : "show" });
    document.addEventListener("visibilitychange", this.hidden);
    this.begin(runs).catch((error) => this.fail(error.message));
  }

  // Waits for the graphs, which the server makes once (a run that names its packs has them), and hands everything to
  // the worker.
  async begin(runs) {
    const name = runs[0].in_tab;
    await null; // who made this has it when it is heard of
    for (let graphs; !runs[0].pack && graphs?.state !== "ready"; ) {
      const answer = await fetch(home(`own/${name}/about.json`)).catch(() => null);
      graphs = answer?.ok ? await answer.json() : { state: "off", says: "The server does not answer." };
      if (this.closed) return;
      if (graphs.state === "off") throw new Error(graphs.says);
      this.making = graphs;
      this.heard();
      if (graphs.state === "making") await new Promise((done) => setTimeout(done, 400));
    }
    this.making = { share: 1, says: "your browser loads them" };
    this.heard();
    if (typeof WebAssembly !== "object") throw new Error("This browser has no WebAssembly, or has it switched off.");
    this.worker = new Worker(new URL("engine/room.js", document.baseURI), { type: "module" });
    this.worker.onmessage = ({ data }) => this.take(data);
    this.worker.onerror = (event) => (event.preventDefault(), this.fail("Networks cannot run in this browser: its worker does not start."));
    const packs = runs.map(({ pack }, lane) => home(pack ?? `own/${name}/${lane}.bin`).href);
    this.worker.postMessage({ do: "open", packs, given: runs.map((one) => one.given), home: home("own/").href });
    this.hidden();
  }

  take(pack) {
    if (this.closed) return;
    if (pack.kind === "failed") return this.fail(pack.says);
    if (pack.kind === "state") {
      this.making = null;
      this.state = { ...pack, waiting: 0 };
      this.heard();
    } else (this.lanes[pack.lane] ||= new Lane()).take(pack);
  }

  fail(says) {
    if (this.closed) return;
    this.close();
    this.lost(says);
  }

  async tell(what, more = {}) {
    this.worker?.postMessage({ do: what, ...more });
    return "";
  }

  // Nobody looks: it pauses, and is kept for the next look.
  rest() {
    this.heard = () => {};
    document.removeEventListener("visibilitychange", this.hidden);
    this.worker?.postMessage({ do: "hide" });
  }

  close() {
    this.closed = true;
    this.worker?.terminate();
    document.removeEventListener("visibilitychange", this.hidden);
  }
}
