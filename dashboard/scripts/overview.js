// The table of the Overview: it asks for its rows by itself, draws those in view, and after that only what changed.
const tables = new WeakMap();
const FIRST = 25; // rows shown before those that need nobody fold; fewer than TEN more don't fold
const TEN = 10;
const AHEAD = 8; // rows kept ready above and below the window, so that Tab finds the next one
const FILTERS = { state: "state", project: "project", trained: "trainer", tags: "tag" };

const textual = (key) => (run) => run[key] || null;
const lastOf = (key) => (run) => run[key]?.last ?? null;
const COLUMNS = [
  { key: "need", label: "needs", hint: "What is failing or stopped without an end needs you; then the freshest first", of: (run) => run.need },
  { key: "name", label: "run", of: textual("name"), up: true },
  { key: "wrong", label: "what is wrong", of: textual("wrong"), up: true },
  { key: "since", label: "since", hint: "The step from which on", of: (run) => run.since },
  { key: "kind", label: "kind", of: textual("kind"), up: true },
  { key: "trained", label: "loss / trainer", of: textual("trained"), up: true },
  { key: "reward", label: "reward", hint: "Reward of policies, accuracy of reward models. Each reward has a scale of its own, since reward models have units of their own; accuracies share one", of: lastOf("reward") },
  { key: "kl", label: "KL to reference", hint: "Curves of the same unit share one scale; of 20 and more, one in twenty may leave it (▲)", of: lastOf("kl") },
  { key: "seen", label: "newest row", of: (run) => run.seen },
];
const START = "need";

// -- what is listed, and in which order

function listed(state) {
  const { view } = state;
  const fits = matcher(view.find);
  state.hint.hidden = !fits.plain;
  const wanted = (run, key) => !view[key] || (key === "tags" ? run.tags.includes(view.tags) : run[key] === view[key]);
  const found = [...state.runs.values()].filter((run) =>
    fits(run) && (!view.kind.length || view.kind.includes(run.kind)) && Object.keys(FILTERS).every((key) => wanted(run, key)));
  return found.sort(order(state));
}

// Rows keep their place while they are being written: what they are sorted by is kept until the reader sorts anew, or
// the run begins or ceases to need somebody.
function order(state) {
  const down = state.view.sort.startsWith("-");
  const column = COLUMNS.find((c) => c.key === state.view.sort.replace("-", "")) ?? COLUMNS[0];
  const place = (run) => {
    const kept = state.places.get(run.id);
    if (kept && kept.need === run.need) return kept;
    const made = { need: run.need, seen: run.seen ?? 0, value: column.of(run) };
    state.places.set(run.id, made);
    return made;
  };
  const way = down ? -1 : 1;
  return (a, b) => {
    const [one, two] = [place(a), place(b)];
    const missing = (one.value === null) - (two.value === null);
    if (missing) return missing;
    const by = typeof one.value === "string" ? one.value.localeCompare(two.value, "en", { numeric: true }) : one.value - two.value;
    return way * by || two.seen - one.seen || a.id.localeCompare(b.id, "en", { numeric: true });
  };
}

const plain = (view) => !view.find && !view.kind.length && !Object.keys(FILTERS).some((key) => view[key]);

function show(state) {
  const found = listed(state);
  const kept = Math.max(FIRST, found.filter((run) => run.need || run.state === "writing").length);
  const folds = plain(state.view) && state.view.sort === `-${START}` && !state.view.all && found.length >= kept + TEN;
  state.found = found;
  state.shown = folds ? found.slice(0, kept) : found;
  state.table.classList.toggle("calm", !found.some((run) => run.wrong));
  state.scales = scalesOf(found.flatMap((run) => [run.reward, run.kl]));
  const all = state.runs.size;
  state.count.textContent = found.length === all ? counted(all, "run") : `${found.length.toLocaleString("en")} of ${counted(all, "run")}`;
  state.clear.hidden = plain(state.view);
  state.empty.hidden = found.length > 0 || !state.ready;
  state.emptyWords.textContent = all ? "No run matches the filter." : "No run is left.";
  state.table.hidden = state.bar.hidden = found.length === 0 && state.ready;
  state.more.hidden = !folds;
  state.more.textContent = `Show ${(found.length - kept).toLocaleString("en")} more runs that need nobody`;
  state.table.setAttribute("aria-rowcount", state.shown.length + 1);
  filters(state);
  ticks(state);
  draw(state);
}

// -- rows in view

function draw(state) {
  const height = parseFloat(getComputedStyle(state.table).getPropertyValue("--row"));
  const total = state.ready ? state.shown.length : state.data.rows;
  state.body.style.height = `${total * height}px`;
  const top = state.body.getBoundingClientRect().top - (state.frame?.getBoundingClientRect().top ?? 0);
  const view = state.frame?.clientHeight ?? window.innerHeight;
  const first = Math.max(Math.floor(-top / height) - AHEAD, 0);
  const last = Math.min(Math.ceil((view - top) / height) + AHEAD, state.shown.length);
  const held = document.activeElement?.closest?.("tr")?.dataset.run;
  const wanted = new Map();
  state.shown.forEach((run, place) => {
    if ((place >= first && place < last) || run.id === held) wanted.set(run.id, [run, place]);
  });
  for (const item of [...state.body.children]) if (!wanted.has(item.dataset.run)) item.remove();
  let before = state.body.firstElementChild;
  for (const [id, [run, place]] of wanted) {
    let item = state.items.get(id);
    if (!item) state.items.set(id, (item = made(state, run)));
    fill(state, item, run);
    item.style.transform = `translateY(${place * height}px)`;
    item.setAttribute("aria-rowindex", place + 2);
    if (item === before) before = before.nextElementSibling;
    else state.body.insertBefore(item, before);
  }
  state.marker = [first, last];
}

function made(state, run) {
  const cell = (name) => element("td", { className: name, role: "cell" });
  const box = element("input", { type: "checkbox" });
  box.onchange = () => { flip(state.ticked, run.id, box.checked); ticked(state); };
  const link = element("a");
  link.onclick = go;
  const name = element("th", { className: "name", role: "rowheader", scope: "row" });
  name.append(element("span", { className: "mark" }), link, element("span", { className: "sub" }));
  const row = element("tr", { role: "row" }, element("td", { className: "tick", role: "cell" }, element("label", {}, box)));
  row.dataset.run = run.id;
  for (const { key } of COLUMNS) row.append(key === "name" ? name : cell(key));
  return row;
}

// Write what differs from what stands there.
function put(cell, sign, draw) {
  if (cell.dataset.sign === sign) return;
  cell.dataset.sign = sign;
  cell.replaceChildren(...draw());
}

function fill(state, row, run) {
  const cells = Object.fromEntries([...row.children].map((cell) => [cell.className.split(" ")[0], cell]));
  const slot = state.data.slots[run.id];
  const link = cells.name.querySelector("a");
  const box = cells.tick.querySelector("input");
  box.checked = state.ticked.has(run.id);
  if (link.textContent !== run.short) {
    link.textContent = run.short;
    if (run.short !== run.name) link.setAttribute("aria-label", run.name);
    link.href = address([run.id]);
    box.setAttribute("aria-label", `Choose ${run.name}`);
  }
  cells.wrong.title = run.wrong;
  const title = [run.name, run.project, `${run.state}${run.why ? `: ${run.why}` : ""}`, run.kind, run.trained, run.group && `group ${run.group}`, ...run.tags];
  link.title = title.filter(Boolean).join("\n");
  put(cells.name.querySelector(".mark"), String(slot), () => (slot === undefined ? [] : [swatch(slot, state.data)]));
  const sub = [run.kind || "kind not known", run.trained].filter(Boolean).join(", ");
  put(cells.name.querySelector(".sub"), sub, () => [sub]);
  put(cells.need, run.needs, () => (run.need ? [element("b", { className: `need ${run.needs}` }, `${"!".repeat(run.need)} ${run.needs}`)] : []));
  put(cells.wrong, run.cause + run.wrong + run.calm, () => {
    if (!run.wrong) return [element("span", { className: "holds" }, run.calm)];
    return run.cause ? [element("b", {}, `${run.cause}. `), run.wrong] : [run.wrong];
  });
  put(cells.since, String(run.since), () => (run.since === null ? [] : [run.since.toLocaleString("en")]));
  put(cells.kind, run.kind, () => [run.kind || "not known"]);
  put(cells.trained, run.trained, () => [run.trained.replaceAll("_", " ") || "not logged"]);
  const colour = slot === undefined ? state.data.colours.neutral : hueOf(slot, state.data.hues);
  for (const key of ["reward", "kl"]) {
    const curve = run[key], scale = curve?.scale ? state.scales[curve.scale] : null;
    put(cells[key], JSON.stringify([curve, scale, colour, run.instead]), () => figure(curve, scale, colour, key === "kl" ? "KL to reference" : curve?.unit, run.instead[key]));
  }
  times(state, run, cells.seen);
}

function figure(curve, scale, colour, name, instead) {
  if (!curve) return instead ? [element("span", { className: "holds" }, instead)] : [];
  const value = element("span", { className: "value" }, element("b", {}, curve.text), element("small", {}, curve.unit));
  return curve.points ? [spark(curve, scale, colour, name), value] : [value];
}

function times(state, run, cell) {
  const said = run.seen === null ? "time not logged" : ago(Date.now() / 1000 + state.ahead - run.seen);
  put(cell, `${said}${run.state}`, () => [
    element("span", {}, said), element("small", { className: `state ${run.state}` }, `${STATES[run.state] ?? ""} ${run.state}`)]);
}

// The first runs have a colour each; the page gives it, so that it is the same on every page.
function marks(state) {
  const bare = state.found.slice(0, state.data.marked).map((run) => run.id).filter((id) => state.data.slots[id] === undefined);
  const wanted = JSON.stringify(bare);
  if (!bare.length || !plain(state.view) || state.view.sort !== `-${START}` || state.bare === wanted) return;
  state.bare = wanted;
  state.keep("first", state.found.slice(0, state.data.marked).map((run) => run.id));
}

// -- links, ticks

const address = (ids) => `./run?${ids.map((id) => `run=${encodeURIComponent(id)}`).join("&")}`;

// A plain click stays in this session, so that colours and choices stay: Streamlit goes where the address leads, as it
// does on the browser's way back and forth. The browser's own ways to a new tab are its own.
function go(event) {
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState({}, "", event.currentTarget.href);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

function flip(set, value, on) { if (on) set.add(value); else set.delete(value); }

function chosen(state) { return state.found.map((run) => run.id).filter((id) => state.ticked.has(id)); }

function ticks(state) {
  const ids = chosen(state);
  state.all.checked = ids.length > 0 && ids.length === state.found.length;
  state.all.indeterminate = ids.length > 0 && !state.all.checked;
  state.together.hidden = state.none.hidden = !ids.length;
  state.advice.hidden = ids.length > 0;
  state.together.textContent = ids.length === 1 ? "Open 1 run" : `Open ${ids.length.toLocaleString("en")} runs together`;
  state.together.href = address(ids);
}

function ticked(state) {
  ticks(state);
  draw(state);
  clearTimeout(state.soon);
  state.soon = setTimeout(() => state.keep("ticked", [...state.ticked]), 300);
}

// -- filter and order, which stand in the address

function look(state, change) {
  Object.assign(state.view, change);
  state.places.clear();
  show(state);
  clearTimeout(state.wait);
  state.wait = setTimeout(() => {
    state.told.add(JSON.stringify(state.view));
    state.keep("view", { ...state.view });
  }, 350);
}

function filters(state) {
  const { view } = state;
  const all = state.ready ? [...state.runs.values()] : state.data.choices;
  if (document.activeElement !== state.find) state.find.value = view.find;
  const kinds = [...new Set([...all.map((run) => run.kind).filter(Boolean).sort(), ...view.kind])];
  put(state.kinds, JSON.stringify([kinds, view.kind]), () => kinds.length < 2 && !view.kind.length ? [] : kinds.map((kind) => {
    const button = element("button", { type: "button", "aria-pressed": String(view.kind.includes(kind)) }, kind);
    button.onclick = () => {
      look(state, { kind: view.kind.includes(kind) ? view.kind.filter((k) => k !== kind) : [...view.kind, kind] });
      [...state.kinds.children].find((b) => b.textContent === kind)?.focus();
    };
    return button;
  }));
  for (const [key, word] of Object.entries(FILTERS)) {
    const values = all.flatMap((run) => (key === "tags" ? run.tags : [run[key]])).filter(Boolean);
    const options = [...new Set([...values, view[key]])].filter(Boolean).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    const select = state.selects[key];
    select.hidden = options.length < 2 && !view[key] && key !== "tags" || !options.length;
    put(select, JSON.stringify(options), () => [element("option", { value: "" }, `any ${word}`), ...options.map((o) => element("option", { value: o }, o))]);
    select.value = view[key];
  }
  for (const { key, up } of COLUMNS) {
    const head = state.heads[key], by = view.sort.replace("-", "") === key;
    head.setAttribute("aria-sort", by ? (view.sort.startsWith("-") ? "descending" : "ascending") : "none");
    head.querySelector("button").onclick = () => look(state, { sort: by && key !== START ? (view.sort.startsWith("-") ? key : `-${key}`) : up ? key : `-${key}` });
  }
}

// -- news

async function refresh(state, ids) {
  try {
    const answer = await ask(state.data.page, "overview", ids ? { runs: ids } : { have: state.have });
    if (!answer) return;
    if (!ids) state.have = answer.headers.get("X-Rewardboard-Version");
    state.ahead = (Date.parse(answer.headers.get("Date")) - Date.now()) / 1000 || 0;
    take(state, await answer.json());
    state.failed.hidden = true;
  } catch (error) {
    state.failed.hidden = false;
    state.failedWords.textContent = `The list can't be drawn: ${error.message}.`;
  }
}

function take(state, said) {
  state.verdict.textContent = said.verdict;
  state.note.textContent = said.note;
  const there = new Set(said.rows.map((run) => run.id));
  for (const id of said.of ?? [...state.runs.keys()]) if (!there.has(id)) forget(state, id);
  for (const run of said.rows) state.runs.set(run.id, run);
  state.ready = true;
  state.root.classList.remove("waiting");
  show(state);
  marks(state);
  turn(state);
}

function forget(state, id) {
  for (const kept of [state.runs, state.items, state.places, state.ticked]) kept.delete(id);
}

// A state may change because nothing comes any more: ask again at that time.
function turn(state) {
  clearTimeout(state.turning);
  const next = Math.min(...[...state.runs.values()].map((run) => run.until ?? Infinity));
  if (!Number.isFinite(next) || !state.data.page) return;
  const wait = Math.min(Math.max((next - state.ahead) * 1000 - Date.now() + 500, 1000), 2 ** 31 - 1);
  state.turning = setTimeout(() => {
    const now = Date.now() / 1000 + state.ahead;
    state.changed = new Set([...state.changed, ...[...state.runs.values()].filter((run) => run.until && run.until <= now).map((run) => run.id)]);
    state.follow();
  }, wait);
}

function listen(state, parent) {
  state.follow = paced(async () => {
    const ids = [...state.changed];
    state.changed = new Set();
    if (ids.length) await refresh(state, ids);
    else turn(state);
  }, 1000);
  const reader = (news) => {
    if (!parent.isConnected) { end(state); newsOf(state.data.page).readers.delete(reader); return; }
    if (news.first) state.waiting.then(() => refresh(state)); // what changed before this window listened
    for (const run of news.changed) state.changed.add(run);
    if (news.changed.length) state.follow();
  };
  newsOf(state.data.page).readers.add(reader);
  state.waiting = refresh(state);
}

function end(state) {
  clearInterval(state.clock);
  clearTimeout(state.turning);
  state.frame?.removeEventListener("scroll", state.onscroll);
}

// -- the frame

function build(parent, data) {
  const root = parent.querySelector(".overview");
  const part = (tag, attributes, ...children) => element(tag, attributes, ...children);
  const state = {
    root, data, runs: new Map(), items: new Map(), places: new Map(), ticked: new Set(data.ticked), found: [], shown: [],
    scales: {}, heads: {}, selects: {}, told: new Set([JSON.stringify(data.view)]), view: { ...data.view }, ahead: 0,
    changed: new Set(), ready: false, have: null, marker: [],
    verdict: part("p", {}, data.verdict), note: part("p", { className: "note" }, data.note), find: part("input", { type: "search", className: "find", placeholder: "Find runs: regular expression", "aria-label": "Find runs by regular expression over name, project, kind, trainer, state, group and tags" }),
    kinds: part("div", { className: "kinds", role: "group", "aria-label": "Kind" }),
    hint: part("p", { className: "hint", role: "status", hidden: true }, "This is no regular expression; it is searched for as it stands."),
    all: part("input", { type: "checkbox", "aria-label": "Choose all that match" }), count: part("span", { className: "count", role: "status" }),
    clear: part("button", { type: "button", className: "clear" }, "Clear the filter"),
    advice: part("span", { className: "advice" }, "A row opens its run; tick several to open them together."),
    together: part("a", { className: "together", hidden: true }), none: part("button", { type: "button", hidden: true }, "Untick"),
    body: part("tbody", { role: "rowgroup" }), more: part("button", { type: "button", className: "more", hidden: true }),
    emptyWords: part("span"), failedWords: part("span"),
  };
  const head = part("tr", { role: "row" }, part("th", { className: "tick", role: "columnheader" }, part("span", { className: "unseen" }, "Choose")));
  for (const { key, label, hint } of COLUMNS) {
    const button = part("button", { type: "button", title: hint ?? `Sort by ${label}` }, label);
    state.heads[key] = part("th", { className: key, role: "columnheader", scope: "col" }, button);
    head.append(state.heads[key]);
  }
  for (const [key, word] of Object.entries(FILTERS)) {
    state.selects[key] = part("select", { "aria-label": word[0].toUpperCase() + word.slice(1), hidden: true });
    state.selects[key].onchange = () => look(state, { [key]: state.selects[key].value });
  }
  state.table = part("table", { role: "table", "aria-label": "Runs" }, part("thead", { role: "rowgroup" }, head), state.body);
  const cleared = part("button", { type: "button" }, "Clear the filter");
  state.empty = part("div", { className: "empty", hidden: true }, state.emptyWords, cleared);
  const again = part("button", { type: "button" }, "Try again");
  state.failed = part("div", { className: "failed", role: "alert", hidden: true }, state.failedWords, again);
  state.bar = part("div", { className: "bar" }, part("label", {}, state.all, state.count), state.clear, state.advice, state.together, state.none);
  root.replaceChildren(
    part("div", { className: "st-key-verdict" }, state.verdict), state.note,
    part("div", { className: "filters", role: "search" }, state.find, state.kinds, ...Object.values(state.selects)), state.hint, state.failed,
    state.bar, state.table, state.more, state.empty);
  root.classList.add("waiting");

  const none = { find: "", kind: [], ...Object.fromEntries(Object.keys(FILTERS).map((key) => [key, ""])) };
  state.find.oninput = () => look(state, { find: state.find.value });
  state.clear.onclick = cleared.onclick = () => { state.find.value = ""; look(state, none); state.find.focus(); };
  state.more.onclick = () => look(state, { all: true });
  again.onclick = () => refresh(state);
  state.all.onchange = () => {
    for (const run of state.found) flip(state.ticked, run.id, state.all.checked);
    ticked(state);
  };
  state.none.onclick = () => { state.ticked.clear(); ticked(state); state.all.focus(); };
  state.together.onclick = go;
  state.frame = root.closest('[data-testid="stMain"]');
  let asked = false;
  state.onscroll = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(state); });
  };
  state.frame?.addEventListener("scroll", state.onscroll, { passive: true });
  const resized = new ResizeObserver(state.onscroll);
  for (const part of [root, state.frame]) if (part) resized.observe(part); // a higher window shows more rows
  state.clock = setInterval(() => {
    if (!parent.isConnected) { end(state); return; }
    for (const item of state.body.children) {
      const run = state.runs.get(item.dataset.run);
      if (run) times(state, run, item.querySelector(".seen"));
    }
  }, 1000);
  return state;
}

export default function ({ data, parentElement, setStateValue }) {
  let state = tables.get(parentElement);
  const first = !state;
  if (first) tables.set(parentElement, (state = build(parentElement, data)));
  Object.assign(state, { data, keep: setStateValue });
  for (const [name, colour] of Object.entries(data.colours)) state.root.style.setProperty(`--${name}`, colour);
  const view = JSON.stringify(data.view);
  if (!state.told.has(view)) { // another address, such as the one before
    state.told.add(view);
    state.view = { ...data.view };
    state.places.clear();
  }
  if (!first) show(state);
  else if (data.page) { filters(state); draw(state); listen(state, parentElement); }
  else take(state, data.said);
}
