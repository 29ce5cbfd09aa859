// Keeps the open page true: takes changed parts and figures from the server, and says so when it cannot.
"use strict";
(() => {
  const body = document.body, lost = document.getElementById("lost"), icon = document.getElementById("icon");
  const title = document.title, SILENCE = 30000, RELOAD = 30000;
  let timer = 0;

  function mood() {
    const now = document.querySelector("#headline [data-mood]");
    if (!now) return;
    const open = Number(now.dataset.open);
    document.title = open ? `(${open}) ${title}` : title;
    icon.href = `/static/${now.dataset.mood}.svg`;
    body.dataset.mood = now.dataset.mood;
  }

  function replace(part, html) {
    const place = document.getElementById(part);
    if (!place) return;
    const open = [...place.querySelectorAll("details")].map((one) => one.open);
    place.innerHTML = html;
    place.querySelectorAll("details").forEach((one, at) => { if (open[at]) one.open = true; });
  }

  function alive() {
    lost.hidden = true;
    body.classList.remove("stale");
    clearTimeout(timer);
    timer = setTimeout(dead, SILENCE);
  }

  function dead() {
    lost.hidden = false;
    body.classList.add("stale");
  }

  function watch() {
    const events = new EventSource(`/events?lang=${body.dataset.lang}&seen=${encodeURIComponent(body.dataset.seen)}`);
    events.addEventListener("city", (event) => {
      const news = JSON.parse(event.data);
      for (const [part, html] of Object.entries(news.parts)) replace(part, html);
      for (const [name, value] of Object.entries(news.figures)) {
        const place = document.querySelector(`[data-live="${CSS.escape(name)}"]`);
        if (place) place.textContent = value;
      }
      body.dataset.seen = event.lastEventId;
      alive();
      mood();
    });
    events.addEventListener("reload", () => location.reload());
    events.onerror = () => {
      dead();
      if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), RELOAD);
    };
  }

  mood();
  alive();
  watch();
})();
