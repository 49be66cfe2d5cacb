// The first picture of a page, drawn while the page's own client still loads; the page's chart takes it over as it is.
function rewardboardOpen(told) {
  const client = () => {
    if (!told.client) return;
    const script = document.createElement("script");
    Object.assign(script, { type: "module", src: told.client, crossOrigin: "" });
    told.client = "";
    document.head.append(script);
  };
  const address = new URLSearchParams(location.search);
  const plain = [...address.keys()].every((key) => key === "run" || key === "pin");
  if (!location.pathname.endsWith(told.path) || !plain) return client();
  setTimeout(client, told.patience * 1000);
  const chosen = Object.entries(localStorage).find(([key]) => key.startsWith(`stActiveTheme-${told.path}`))?.[1] ?? "";
  const dark = /dark/i.test(chosen) || (!/light/i.test(chosen) && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.add(dark ? "opening-dark" : "opening-light");
  const opening = (window.rewardboardOpening = { close });
  const cover = document.createElement("div");
  cover.id = "rewardboard-opening";
  cover.className = dark ? "dark" : "light";
  cover.setAttribute("aria-hidden", "true");

  function close() {
    delete window.rewardboardOpening;
    cover.remove();
  }

  const library = () => new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = told.library;
    script.onload = () => done(window.Plotly);
    script.onerror = () => failed(new Error("no library"));
    document.head.append(script);
  });
  const first = async () => {
    const answer = await fetch("/page/first", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Rewardboard-Page": told.page },
      body: JSON.stringify({ runs: address.getAll("run"), theme: dark ? "dark" : "light" }),
    });
    if (answer.status !== 200) throw new Error("nothing yet");
    const { answer: drawn, ...about } = await answer.json();
    if (!drawn.figure) throw new Error("nothing to draw");
    return { ...about, ...drawn };
  };
  const parsed = new Promise((done) => {
    if (document.readyState !== "loading") done();
    else document.addEventListener("DOMContentLoaded", done, { once: true });
  });
  const loaded = ((window.rewardboardLibraries ??= {})[told.library] ??= library());
  Promise.all([loaded, first(), parsed]).then(async ([Plotly, answer]) => {
    if (window.rewardboardOpening !== opening) return;
    const title = document.createElement("div");
    title.className = "title";
    title.textContent = told.title;
    const place = document.createElement("div");
    place.className = "plot";
    place.style.minHeight = `${answer.figure.layout.height}px`;
    cover.append(title, place);
    document.body.append(cover);
    await Plotly.newPlot(place, answer.figure.data, answer.figure.layout, told.config);
    Object.assign(opening, { ...answer, place });
    setTimeout(close, told.cover * 1000);
  }).catch(close).finally(client);
}
