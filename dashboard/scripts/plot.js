// plotly.js by address: the small one draws most charts, the full one what is left
function library(url) {
  const loading = (window.rewardboardLibraries ??= {});
  return (loading[url] ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => done(window.Plotly);
    script.onerror = failed;
    document.head.appendChild(script);
  }));
}

const shown = new WeakMap();

function draw(state, figure) {
  const { place } = state;
  const known = remember(state, figure);
  const looked = Object.entries(ranges(state.zoom, figure.layout, place));
  if (state.ready) for (const [name, range] of looked) figure.layout[name] = { ...figure.layout[name], range, autorange: false };
  // the zoom is kept here: plotly.js, asked to keep it too, would keep the range of a figure that had one of its own
  state.drawings += 1;
  for (const name of Object.keys(figure.layout).filter((key) => /^[xy]axis\d*$/.test(key))) figure.layout[name].uirevision = state.drawings;
  place.style.minHeight = `${figure.layout.height}px`;
  return library(state.data.library)
    .then((Plotly) => {
      if (state.Plotly && state.Plotly !== Plotly) state.Plotly.purge(place);
      state.Plotly = Plotly;
      return Plotly.react(place, figure.data, figure.layout, state.data.config);
    })
    .then(() => {
      known();
      if (state.ready) return null;
      drawn(state);
      // a zoom out of the address comes second, so that the way back leads to all there is
      return looked.length ? state.Plotly.relayout(place, Object.fromEntries(looked.map(([name, range]) => [`${name}.range`, range]))) : null;
    })
    .catch((error) => say(state, `The chart could not be drawn (${error.message}); reload the page.`));
}

function drawn(state) {
  const { place } = state;
  state.ready = true;
  new ResizeObserver(() => { if (place.offsetWidth) state.Plotly.Plots.resize(place); }).observe(place);
  place.on("plotly_relayout", (change) => zoomed(state, change));
}

// The picture that was drawn while the page loaded, if it came in time.
function opened(data) {
  const opening = window.rewardboardOpening;
  if (!opening || !data.request) return null;
  opening.close();
  return opening.place ? opening : null;
}

function say(state, words) {
  state.missing.textContent = words;
  state.missing.hidden = !words;
}

function lookAt(state, zoom) {
  state.zoom = zoom;
  clearTimeout(state.telling);
  state.telling = setTimeout(() => state.send("zoom", zoomText(zoom)), 400);
}

// Other panels have other values, and another x axis another unit: what was zoomed into is nothing there.
function keepWhatStillHolds(state, before, now) {
  const same = (name) => JSON.stringify(before[name]) === JSON.stringify(now[name]);
  if (!Object.keys(state.zoom).length || (same("x") && same("metrics") && same("beside") && same("log"))) return;
  lookAt(state, same("x") && state.zoom.x ? { x: state.zoom.x } : {});
  state.window = state.zoom.x ?? null;
}

// The reader looks elsewhere: the address tells it, and a chart that can asks for the points that are there.
function zoomed(state, change) {
  const next = rezoomed(state, change);
  if (!next) return;
  lookAt(state, next);
  const { title, type } = state.place._fullLayout.xaxis;
  const ends = state.zoom.x?.map((end) => type === "date" ? new Date(end * 1000).toISOString().slice(0, 16) : +end.toPrecision(4));
  state.said.textContent = ends ? `${title.text} ${ends.join(" to ")}` : "all of it";
  const part = state.zoom.x ?? null;
  if (!state.data.request || `${part}` === `${state.window}`) return;
  state.window = part;
  state.have = null;
  clearTimeout(state.wait);
  state.wait = setTimeout(() => refresh(state), 60);
}

async function refresh(state) {
  const { request, page } = state.data;
  if (!request || !state.place.isConnected) return;
  const asking = JSON.stringify([request, state.window]);
  if (state.asking === asking) { state.again = true; return; }
  state.asking = asking;
  state.abort?.abort();  // only what nobody wants any more
  state.abort = new AbortController();
  const body = { ...request, window: state.window, have: state.have };
  state.place.setAttribute("aria-busy", "true");
  try {
    const answer = await ask(page, request.kind, body, state.abort.signal);
    if (answer) {
      const { figure, caption, missing, stale } = await answer.json();
      state.have = answer.headers.get("X-Rewardboard-Version");
      state.caption.textContent = caption;
      say(state, missing);
      state.place.hidden = !figure;
      if (figure) await draw(state, figure);
      state.tools.hidden = !figure;
      if (stale) state.drift?.();
    }
  } catch (error) {
    if (error.name !== "AbortError") say(state, `These curves can't be drawn: ${error.message}. Reload the page to try again.`);
  }
  if (state.asking !== asking) return;
  state.asking = null;
  state.place.removeAttribute("aria-busy");
  if (state.again && state.have !== null) {
    state.again = false;
    refresh(state);
  }
}

async function save(state, format) {
  const name = state.data.file;
  if (format === "png" || format === "svg") {
    const { width, height } = state.place.getBoundingClientRect();
    const picture = { format, filename: name, width, height, scale: format === "png" ? 2 : 1 };
    return state.Plotly.downloadImage(state.place, picture);
  }
  const { request, numbers, page } = state.data;
  const answer = await ask(page, "numbers", { ...(request ?? numbers), window: state.window, format });
  await download(answer, `${name}.${format}`);
}

function build(parent, data) {
  const root = parent.querySelector(".chart");
  const opening = opened(data);
  const [place, missing, foot] = ["plot", "missing", "foot"].map((name) => {
    const element = (name === "plot" && opening?.place) || document.createElement("div");
    element.classList.add(name);
    root.appendChild(element);
    return element;
  });
  missing.hidden = true;
  missing.setAttribute("role", "status");
  const caption = document.createElement("span");
  caption.className = "caption";
  const tools = document.createElement("span");
  tools.className = "tools";
  foot.append(caption, tools);
  const said = document.createElement("span");
  said.className = "said";
  said.setAttribute("role", "status");
  root.appendChild(said);
  const zoom = zoomOf(data.zoom);
  const state = { place, missing, caption, tools, said, zoom, window: zoom.x ?? null, have: null, ready: false, drawings: 0 };
  place.tabIndex = 0;
  place.addEventListener("keydown", (event) => pressed(state, event));
  if (opening) {
    state.Plotly = window.Plotly;
    caption.textContent = opening.caption;
    if (JSON.stringify(opening.request) === JSON.stringify(data.request)) state.have = opening.version;
    remember(state, opening.figure)();
    drawn(state);
  }
  tools.append("Download");
  for (const format of data.request || data.numbers ? ["csv", "parquet", "png", "svg"] : ["png", "svg"]) {
    const button = document.createElement("button");
    const what = format === "csv" || format === "parquet" ? "numbers" : "picture";
    button.type = "button";
    button.textContent = format === "parquet" ? "Parquet" : format.toUpperCase();
    button.title = `The ${what} of this chart`;
    button.setAttribute("aria-label", `Download the ${what} of ${data.file.replace("rewardboard-", "")} as ${button.textContent}`);
    button.onclick = () => save(state, format).catch((error) => say(state, error.message));
    tools.append(button);
  }
  return state;
}

export default function ({ data, parentElement, setStateValue }) {
  let state = shown.get(parentElement);
  const first = !state;
  if (first) shown.set(parentElement, (state = build(parentElement, data)));
  const before = first ? "" : JSON.stringify(state.data.request);
  state.data = data;
  state.send = setStateValue;
  state.place.setAttribute("role", "figure");
  state.place.setAttribute("aria-label", `${data.alt}. ${KEYS}.`);
  if (!data.request) {
    draw(state, JSON.parse(data.figure));
    return;
  }
  if (first) state.place.style.minHeight = `${data.height}px`;
  if (first) {
    const follow = paced(() => refresh(state), 100);
    state.drift = paced(() => refresh(state), 5000);  // the grey band moves slowly
    const moved = (news, runs) => runs.some((run) => news.changed.includes(run));
    const reader = (news) => {
      if (!state.place.isConnected) newsOf(state.data.page).readers.delete(reader);
      else if (news.first && state.have === null) state.again = true;  // its first answer is under way
      else if (news.first || moved(news, state.data.request.runs)) follow();
      else if (moved(news, state.data.request.behind)) state.drift();
    };
    newsOf(data.page).readers.add(reader);
  }
  if (before !== JSON.stringify(data.request)) {
    if (!first) keepWhatStillHolds(state, JSON.parse(before), data.request);
    if (!first) state.have = null;
    refresh(state);
  }
}
