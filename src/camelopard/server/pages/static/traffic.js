// New verdicts on top of the table, as they come. The page works without it: there is a link to load it again.

const live = document.getElementById("live");
const body = document.getElementById("rows");
const MOST = 200; // rows that stay in the table
const SPOKEN = 10_000; // milliseconds between two counts that are read out

if (live && body && "EventSource" in window) {
  const word = document.getElementById("live-word");
  const pause = document.getElementById("pause");
  const address = new URL(live.dataset.stream, location.href);
  let source = null;
  let paused = false;
  let over = false;
  let waiting = []; // what came while paused
  let unseen = 0; // verdicts that came since they were last counted
  let timer = null;

  const number = (n, more) => `${n.toLocaleString("en")}${more ? " or more" : ""} new verdict${n === 1 && !more ? "" : "s"}`;

  const put = (told) => {
    const part = document.createElement("template");
    part.innerHTML = told.html; // written and escaped by the server
    const fresh = [...part.content.querySelectorAll("tr")].filter((row) => !document.querySelector(`tr[data-id="${CSS.escape(row.dataset.id)}"]`));
    for (const row of fresh) row.classList.add("fresh");
    body.prepend(...fresh);
    while (body.rows.length > MOST) body.lastElementChild.remove();
    document.getElementById("none")?.remove();
  };

  const speak = (more) => {
    if (timer !== null) return;
    word.textContent = `${number(unseen, more)}.`;
    unseen = 0;
    timer = setTimeout(() => {
      timer = null;
      if (unseen) speak(false);
    }, SPOKEN);
  };

  const take = (event) => {
    const told = JSON.parse(event.data);
    if (event.lastEventId) address.searchParams.set("after", event.lastEventId);
    if (paused) {
      waiting.push(told);
      if (waiting.length > MOST) waiting.shift();
      const n = waiting.reduce((sum, one) => sum + one.rows, 0);
      pause.textContent = `Go on (${n.toLocaleString("en")} waiting)`;
      return;
    }
    put(told);
    unseen += told.rows;
    speak(told.full);
  };

  const stop = (why) => {
    over = true;
    source?.close();
    word.textContent = why;
    pause.hidden = true;
    live.classList.add("over");
  };

  const start = () => {
    source = new EventSource(address);
    source.addEventListener("rows", take);
    source.addEventListener("end", () => stop("You are signed out. Load the page again to sign in."));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) stop("New verdicts no longer appear by themselves. Load the page again.");
    });
  };

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    live.classList.toggle("paused", paused);
    if (!paused) {
      for (const told of waiting) put(told);
      waiting = [];
    }
  });

  document.addEventListener("visibilitychange", () => {
    if (over) return;
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (source === null) {
      start();
    }
  });

  live.hidden = false;
  if (!document.hidden) start();
}
