// Lessons and Lab of a published folder, around the explorer's own component: recordings, and runs that this tab trains.
const told = await (await fetch("lab.json")).json();
const answered = new Map(), NONE = "nothing", VIEW = { layers: ["x", "x_tilde", "z_hat", "z", "belief"], x: 4, z: 4, slow: 0 };
let started = 0; // runs of this visit

function make(name, more = {}, ...children) {
  const made = Object.assign(document.createElement(name), more);
  made.append(...children);
  return made;
}

// Text of our own files, which holds a little HTML
const rich = (name, content, className = "") => make(name, { innerHTML: content, className });

// One component in its own shadow, shown again and again. -> {root, show(data), close()}
async function stage(lost) {
  const root = make("div", { className: "lab" }), shadow = root.attachShadow({ mode: "open" });
  const [content, { default: start }] = await Promise.all([
    fetch("parts/lab.html").then((answer) => answer.text()), import(new URL("parts/lab.js", document.baseURI)),
  ]);
  shadow.innerHTML = content;
  let end = () => {};
  const trigger = (key, value) => key === "lost" && lost(value);
  return {
    root,
    show(data) {
      end();
      const words = { present: false, play: false, locked: false, ...data, view: { ...VIEW, ...data.view } };
      end = start({ data: words, parentElement: shadow, setStateValue() {}, setTriggerValue: trigger });
    },
    close: () => end(),
  };
}

function select(says, options, chosen, changed) {
  const made = make("select", { ariaLabel: says });
  made.append(...Object.entries(options).map(([value, word]) => new Option(word, value)));
  made.value = chosen in options ? chosen : Object.keys(options)[0];
  made.onchange = () => changed(made.value);
  return make("label", { className: "choice" }, says, made);
}

const recorded = (names) => names.map((name) => ({ recording: name, title: told.recordings[name] }));

// ---- lessons ----

// link: {lesson}; go(view, link) to another one. -> {close}
export async function lessons(place, link, go) {
  const number = Math.min(Math.max(Math.floor(link.lesson) || 1, 1), told.lessons.length), lesson = told.lessons[number - 1];
  const choose = told.lessons.map((_, i) => make("button", {
    type: "button", textContent: i + 1, ariaPressed: String(i + 1 === number), title: told.lessons[i].title,
    onclick: () => go("Lessons", { lesson: i + 1 }),
  }));
  const text = make("div", { className: "text" }), right = make("div");
  place.append(make("div", { className: "tools", role: "group", ariaLabel: "Lesson" }, ...choose), make("div", { className: "lesson" }, text, right));
  const panel = await stage(() => {});
  let knob = Object.keys(lesson.knob).find((word) => lesson.runs.includes(lesson.knob[word]));
  const show = () => {
    const said = answered.get(number), done = said !== undefined;
    text.replaceChildren(make("h2", { textContent: `${number}. ${lesson.title}` }), rich("p", lesson.idea), rich("div", lesson.formula, "formula"),
      rich("p", lesson.symbols, "symbols"), rich("p", `<b>Predict first.</b> ${lesson.question}`));
    if (done) {
      const good = said === lesson.right, try_it = { type: "button", textContent: "Try it live", onclick: () => go("Lab", { lesson: number }) };
      text.append(make("p", { textContent: `✓ ${lesson.options[lesson.right]}` }),
        ...(good ? [] : [make("p", {}, "✗ ", make("s", { textContent: lesson.options[said] }))]),
        rich("p", `<b>${good ? "Right." : "Not quite."}</b> ${lesson.why}`), rich("p", `<b>Break it.</b> ${lesson.breaks}`), make("button", try_it));
    } else {
      text.append(...lesson.options.map((option, i) => make("button", {
        type: "button", className: "option", textContent: option, onclick: () => { answered.set(number, i); show(); },
      })));
    }
    text.append(make("details", {}, make("summary", { textContent: `For teachers (${lesson.minutes} minutes)` }), rich("p", lesson.notes)));
    const words = Object.keys(lesson.knob), runs = done && knob ? [lesson.knob[knob]] : lesson.runs;
    right.replaceChildren();
    if (words.length) {
      const slider = make("input", { type: "range", min: 0, max: words.length - 1, value: words.indexOf(knob), disabled: !done, ariaLabel: "Coefficient of the information" });
      const says = make("output", { textContent: knob });
      slider.ariaValueText = knob;
      slider.onchange = () => { knob = words[slider.value]; show(); };
      right.append(make("label", { className: "choice" }, "Coefficient of the information I(x; z)", slider, says));
    }
    right.append(panel.root);
    panel.show({ runs: recorded(runs), view: { layers: lesson.layers }, height: 600, play: done, locked: !done });
  };
  show();
  return panel;
}

// ---- the Lab ----

const free = { live: false, show: "ali-grid", beside: NONE, member: "", against: NONE, data: "grid", seed: 0, given: {} };
let running = null; // the runs of this tab, as the component has them

export async function lab(place, link, go) {
  const tools = make("div", { className: "tools" }), note = make("p", { className: "help", role: "status", hidden: true });
  const empty = make("p", { className: "help", textContent: "Start trains a model in this tab, on points in the plane; nothing leaves it, and it pauses while you look elsewhere." });
  const says = (sentence) => Object.assign(note, { textContent: sentence, hidden: !sentence });
  place.append(tools, note, empty);
  const panel = await stage((why) => { running = null; says(`${why} Replay still works.`); show(); });
  place.append(panel.root);
  if (link.lesson && told.lessons[link.lesson - 1]) {
    const { tries } = told.lessons[link.lesson - 1];
    begin(tries.runs, `Lesson ${link.lesson}: ${tries.says}.`);
  }
  function begin(runs, sentence = "") {
    running = { runs: [{ ...runs[0], number: ++started }, ...runs.slice(1)], sentence };
    free.live = true;
    show();
  }

  function start() {
    const pair = free.against === NONE || free.against === free.member ? [free.member] : [free.member, free.against];
    const why = pair.map((name) => told.members[name].lacks[free.data]).find(Boolean);
    if (why) return says(why);
    begin(pair.map((name) => ({ in_tab: "free", pack: `own/${name}-${free.data}-${free.seed}.bin`, title: name, given: { ...free.given[name] } })));
  }

  function numbers() {
    const pair = [...new Set([free.member, free.against])].filter((name) => name !== NONE);
    const rows = pair.flatMap((name) => told.members[name].numbers.map(([key, word, value]) => {
      const field = make("input", { type: "number", min: 0, step: "any", value: free.given[name]?.[key] ?? value });
      field.onchange = () => {
        const typed = field.value.trim() === "" ? NaN : Number(field.value);
        if (!(typed >= 0 && typed <= 1e6)) {
          says(`${name}, ${word}: a number from 0 to 1,000,000 is wanted; ${value} stands again.`);
          field.value = value;
        } else says("");
        (free.given[name] ??= {})[key] = Number(field.value);
      };
      return make("label", { className: "choice" }, `${name}: ${word}`, field);
    }));
    return make("details", { className: "numbers" }, make("summary", { textContent: "Numbers" }), ...rows);
  }

  function show() {
    const modes = [[false, "Replay"], [true, "Live"]].map(([live, word]) => make("button", {
      type: "button", textContent: word, ariaPressed: String(free.live === live), onclick: () => { free.live = live; says(""); show(); },
    }));
    const choose = (key, words, options) => select(words, options, free[key], (value) => { free[key] = value; show(); });
    tools.replaceChildren(...modes);
    const none = { [NONE]: NONE };
    if (free.live) {
      const every = Object.fromEntries(Object.keys(told.members).map((name) => [name, name]));
      free.member ||= Object.keys(every)[0];
      tools.append(choose("member", "Member", every), choose("against", "Beside it", { ...none, ...every }), choose("data", "Data", told.data),
        choose("seed", "Seed", Object.fromEntries(told.seeds.map((seed) => [seed, seed]))), numbers(),
        make("button", { type: "button", className: "primary", textContent: "Start", onclick: start }));
      if (running?.sentence) says(running.sentence);
    } else {
      tools.append(choose("show", "Recorded run", told.recordings), choose("beside", "Beside it", { ...none, ...told.recordings }));
    }
    const names = [free.show, free.beside].filter((name, i) => name !== NONE && (!i || name !== free.show));
    const runs = free.live ? running?.runs : recorded(names);
    panel.root.hidden = !runs;
    empty.hidden = Boolean(runs);
    if (runs) panel.show({ runs, height: free.live ? 560 : 606 });
  }
  show();
  return panel;
}
