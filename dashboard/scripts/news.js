// One socket a window tells which runs changed; whoever wants to know subscribes. Silent while nothing happens.
function newsOf(page) {
  const kept = (window.rewardboardNews ??= {});
  if (kept.page === page) return kept;
  kept.socket?.close();
  Object.assign(kept, { page, readers: kept.readers ?? new Set(), state: null, tries: 0 });
  const open = () => {
    const url = new URL("/page/news", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (kept.socket = new WebSocket(url));
    socket.onopen = () => { kept.tries = 0; socket.send(page); };
    socket.onmessage = (event) => {
      kept.state = JSON.parse(event.data);
      for (const reader of [...kept.readers]) reader(kept.state);
    };
    socket.onclose = (event) => {
      // 1008: a newer server does not know this page's token; Streamlit reloads the page then
      if (kept.socket !== socket || event.code === 1008) return;
      kept.tries += 1;
      setTimeout(open, Math.min(500 * 2 ** kept.tries, 10_000));
    };
  };
  open();
  return kept;
}

// Ask this page's server; null if the data are those that `have` names.
async function ask(page, what, body, signal) {
  const answer = await fetch(`/page/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Rewardboard-Page": page },
    body: JSON.stringify(body),
    signal,
  });
  if (answer.status === 204) return null;
  if (!answer.ok) {
    const { what, mend } = await answer.json();
    throw new Error(mend ? `${what}; ${mend}` : what);
  }
  return answer;
}

// Save what the server answered as a file.
async function download(answer, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

// A window rests for so many times what its last answer took, and for EACH ms for every other window that is open: so
// all together ask a server for the same kind of thing four times a second at most, whatever their number, and a window
// alone is answered at once. Some rest a little less, some a little more, so that they do not all ask when the same news
// reaches them.
const REST = 4, EACH = 250;
function rest(least, took) {
  const others = (window.rewardboardNews?.state?.windows ?? 1) - 1;
  return (0.5 + Math.random()) * Math.max(least, REST * took, EACH * others);
}

// Run `work` soon, never twice at once, and after a pause; `now` spares the pause.
function paced(work, least) {
  let running = false, again = false, hurry = false, timer = null, took = 0;
  const run = async () => {
    timer = null;
    running = true;
    again = hurry = false;
    const start = performance.now();
    try { await work(); } finally {
      took = performance.now() - start;
      running = false;
      if (again) later(hurry);
    }
  };
  const later = (now) => {
    if (now) { clearTimeout(timer); timer = null; }
    timer ??= setTimeout(run, now ? 0 : rest(least, took));
  };
  return (now = false) => {
    if (!running) return later(now);
    again = true;
    hurry ||= now;
  };
}
