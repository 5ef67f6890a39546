// What the pages need beside htmx: staying live, clocks that count on, and shortcuts. Everything works without this file, a little slower.
"use strict";
(() => {
  const body = document.body;
  const LIVE_GAP = 2000;
  const LIVE_SLOW = 30000;
  const SHORTCUTS = "arrears-shortcuts";
  const { days, hours, minutes, short, left, over, ago } = JSON.parse(body.dataset.units || "{}");
  const speed = Number(body.dataset.speed || 1);
  const opened = { business: Date.parse(body.dataset.now), real: Date.now() };
  const line = document.getElementById("line");

  // ── clocks ──
  const businessNow = () => opened.business + (Date.now() - opened.real) * speed;

  const span = (milliseconds) => {
    const seconds = Math.floor(Math.abs(milliseconds) / 1000);
    const parts = [
      [Math.floor(seconds / 86400), days],
      [Math.floor((seconds % 86400) / 3600), hours],
      [Math.floor((seconds % 3600) / 60), minutes],
    ];
    const first = parts.findIndex(([count]) => count);
    if (first < 0) return short;
    return parts.slice(first, first + 2).filter(([count]) => count).map(([count, text]) => text.replace("%(n)s", count)).join(" ");
  };

  const say = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  let dueSeen = new Set();
  const tick = () => {
    const now = businessNow();
    for (const clock of document.querySelectorAll("[data-clock]")) {
      const parts = { timeZone: clock.dataset.zone, year: "numeric", month: clock.dataset.tongue === "en" ? "short" : "long", day: "numeric" };
      const time = { timeZone: clock.dataset.zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
      const on = new Intl.DateTimeFormat(clock.dataset.tongue, parts).format(now);
      say(clock, `${on}${clock.dataset.tongue === "en" ? "," : ""} ${new Intl.DateTimeFormat(clock.dataset.tongue, time).format(now)}`);
    }
    let due = false;
    for (const shown of document.querySelectorAll("[data-countdown]")) {
      const rest = Date.parse(shown.dateTime) - now;
      say(shown, (rest > 0 ? left : over).replace("%(span)s", span(rest)));
      shown.classList.toggle("late", rest <= 0);
      shown.classList.toggle("soon", rest > 0 && rest < 14400000);
      if (rest <= 0 && !dueSeen.has(shown.dateTime)) {
        dueSeen.add(shown.dateTime);
        due = true;
      }
    }
    for (const shown of document.querySelectorAll("[data-ago]")) {
      say(shown, ago.replace("%(span)s", span(now - Date.parse(shown.dateTime))));
    }
    if (due) refresh();
  };

  // ── live parts ──
  // A part is fetched anew when something was written that it shows; for what only touches it from afar, less often.
  const EVERYTHING = "*";
  const touched = new Set();
  let last = 0;
  let waiting = null;
  let slow = null;
  const shows = ({ dataset }) => touched.has(EVERYTHING) || !dataset.moves || dataset.moves.split(" ").some((name) => touched.has(name));
  const refresh = (names = [EVERYTHING]) => {
    for (const name of names) touched.add(name);
    slow ??= setTimeout(() => refresh(), LIVE_SLOW);
    if (waiting !== null || document.hidden) return;
    waiting = setTimeout(() => {
      waiting = null;
      const parts = [...document.querySelectorAll("[data-live]")].filter(shows);
      if (touched.has(EVERYTHING)) {
        clearTimeout(slow);
        slow = null;
      }
      touched.clear();
      if (parts.length) last = Date.now();
      for (const part of parts) {
        htmx.ajax("GET", part.dataset.live, { source: part, target: part, swap: "outerMorph", headers: { "X-Arrears-Background": "1" } });
      }
    }, Math.max(0, last + LIVE_GAP - Date.now()));
  };

  // What the operator has opened or typed, and what a form was answered, stays as it is when a part is fetched anew; the answer to a form replaces it.
  htmx.registerExtension("keep", {
    htmx_before_morph_node: (element, { newNode }) => !(element.matches?.("[data-held]") && !newNode.matches?.("[data-answered]")),
    htmx_before_morph_attr: (element, { attrName }) =>
      !((attrName === "open" && (element.tagName === "DETAILS" || element.tagName === "DIALOG")) || (attrName === "value" && element.value !== element.defaultValue)),
  });

  let seq = body.dataset.seq;
  let stream = null;
  let first = true;
  const listen = () => {
    if (stream || document.hidden || !seq) return;
    stream = new EventSource("/live");
    stream.addEventListener("ledger", ({ data }) => {
      say(line, "");
      if (first && data !== seq) refresh();
      first = false;
      seq = data;
    });
    stream.addEventListener("touched", ({ data }) => refresh(JSON.parse(data)));
    stream.addEventListener("signed-out", () => {
      hush();
      seq = null;
      say(line, line.dataset.over);
    });
    stream.onerror = () => {
      if (stream && !document.hidden) say(line, line.dataset.away);
      if (stream && stream.readyState === EventSource.CLOSED) {
        hush();
        setTimeout(listen, 5000);
      }
    };
    stream.onopen = () => {
      first = true;
      say(line, "");
    };
  };
  const hush = () => {
    if (stream) stream.close();
    stream = null;
  };
  // A hidden tab holds no connection: browsers allow only a few to one server.
  document.addEventListener("visibilitychange", () => (document.hidden ? hush() : listen()));
  addEventListener("pagehide", hush);
  addEventListener("pageshow", listen);

  // ── shortcuts: off until somebody turns them on, so that they take no key from assistive technology ──
  const cards = () => [...document.querySelectorAll("[data-card]")];
  const step = (by) => {
    const all = cards();
    if (!all.length) return;
    const at = all.indexOf(document.activeElement?.closest("[data-card]"));
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const choose = (decision) => {
    const card = document.activeElement?.closest("[data-card]");
    card?.querySelector(`input[type=radio][value^="${decision}:"]`)?.focus();
  };
  const keys = { j: () => step(1), k: () => step(-1), a: () => choose("approve"), d: () => choose("deny"), "?": () => location.assign("/inbox/keys") };
  document.addEventListener("keydown", (event) => {
    if (localStorage.getItem(SHORTCUTS) !== "on" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input:not([type=radio]), textarea, select, dialog, [contenteditable]")) return;
    const act = keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  for (const box of document.querySelectorAll("[data-shortcuts]")) {
    box.disabled = false;
    box.checked = localStorage.getItem(SHORTCUTS) === "on";
    box.addEventListener("change", () => localStorage.setItem(SHORTCUTS, box.checked ? "on" : "off"));
  }

  // A form that did not reach the server says so; a part that stays live does it by the line at the foot of the page.
  const notice = document.getElementById("notice");
  document.addEventListener("htmx:error", ({ detail }) => {
    if (!detail.ctx) return;
    if (detail.ctx.sourceElement?.matches?.("[data-live]")) {
      say(line, line.dataset.away);
      return;
    }
    const said = document.createElement("p");
    said.className = "notice bad";
    said.textContent = notice.dataset.unsent;
    notice.replaceChildren(said);
  });
  document.addEventListener("htmx:before:request", ({ target }) => target.matches?.("[data-live]") || notice.replaceChildren());

  // After a form was answered in place, whoever uses a keyboard stands at the answer.
  document.addEventListener("htmx:after:swap", () => {
    const answer = document.querySelector("[data-focus]");
    answer?.removeAttribute("data-focus");
    answer?.focus();
  });

  setInterval(tick, 1000);
  tick();
  listen();
})();
