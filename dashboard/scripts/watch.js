// Let the page's script run again when its runs changed; nothing is shown.
const watched = new WeakMap();
export default function ({ data, parentElement, setTriggerValue }) {
  const known = watched.get(parentElement);
  if (known) {
    known.data = data;
    known.tell = setTriggerValue;
    known.told?.();
    return;
  }
  const state = { data, tell: setTriggerValue, reading: data.reading, trouble: data.trouble };
  watched.set(parentElement, state);
  // the script is done when it tells this component its new data; it may also have been stopped on the way
  const again = () => new Promise((done) => {
    state.told = done;
    setTimeout(done, 10_000);
    state.tell("moved", `${Date.now()}`);
  });
  const follow = paced(again, 4000);  // words and tables: curves follow by themselves, sooner
  const reader = (news) => {
    if (!parentElement.isConnected) { newsOf(state.data.page).readers.delete(reader); return; }
    const runs = state.data.runs;
    const mine = runs === null ? news.changed.length : news.changed.some((run) => runs.includes(run));
    const turned = news.reading !== state.reading || news.trouble !== state.trouble;
    state.reading = news.reading;
    state.trouble = news.trouble;
    const missed = news.first && news.first !== state.data.version;
    if (mine || turned || missed) follow(turned);
  };
  newsOf(data.page).readers.add(reader);
  if (data.tick) {
    const timer = setInterval(() => {
      if (!parentElement.isConnected) clearInterval(timer);
      else if (document.visibilityState === "visible" && state.data.tick) state.tell("moved", `${Date.now()}`);
    }, data.tick * 1000);
  }
}
