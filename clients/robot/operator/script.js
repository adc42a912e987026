// Shows what the site says and sends what the operator presses. It decides nothing: the robot does.

import { LANGUAGES } from "./words.js";

const SILENT_MS = 3000; // the site says something every second
const AGAIN_MS = 1000;
const REST_MS = 700; // after the list of askers has moved under the pointer
const SCALE = 1.2; // the bar's length, in hard limits

const $ = (id) => document.getElementById(id);
const now = {}; // the site, as it last said
const names = new Map(); // of those whose ids were ever shown here
let link = null;
let heard = 0;
let stopPressed = false; // until the robot says that it is stopped
let sure = ""; // whose stop is about to be cleared
let refused = "";
let resting = 0;
let language = remembered() ?? (navigator.language.startsWith("zh") ? "zh" : "en");
const say = () => LANGUAGES[language];

// --- the link

function open() {
  const socket = new WebSocket(new URL("link", location.href.replace(/^http/, "ws")));
  link = socket;
  heard = performance.now();
  socket.onmessage = ({ data }) => {
    if (socket !== link) return;
    heard = performance.now();
    hear(JSON.parse(data));
  };
  socket.onclose = () => socket === link && lose();
}

function lose() {
  link?.close();
  link = null;
  beLost(true);
  setTimeout(open, AGAIN_MS);
  draw();
}

function beLost(lost) {
  document.body.classList.toggle("is-lost", lost);
  $("lost").hidden = !lost;
  $("connected").hidden = lost; // who knows
  document.querySelector("main").inert = lost;
}

function hear(news) {
  if (document.body.classList.contains("is-lost")) {
    beLost(false);
    if (stopPressed) send({ do: "stop" }); // it was meant, and could not be sent
  }
  if (news.asking && askers(news.asking) !== askers(now.asking)) {
    resting = performance.now() + REST_MS;
    setTimeout(draw, REST_MS + 20);
  }
  for (const [id, name] of Object.entries(news.names ?? {})) names.set(id, name);
  if ("refused" in news) refused = news.refused;
  else Object.assign(now, news);
  draw();
}

function send(command) {
  if (link?.readyState === WebSocket.OPEN) link.send(JSON.stringify(command));
}

function stop() {
  stopPressed = true;
  sure = "";
  send({ do: "stop" });
  draw();
}

// --- what is shown

const askers = (list) => (list ?? []).map((asker) => asker.id + asker.digits).join();
const text = (id, words) => {
  if ($(id).textContent !== words) $(id).textContent = words;
};

function element(tag, words, name) {
  const made = document.createElement(tag);
  made.textContent = words;
  if (name) made.className = name;
  return made;
}

/** Draws a list anew only when it has changed: the focus and what a reader was reading stay. */
function once(id, key, make) {
  const place = $(id);
  const whole = JSON.stringify([language, key]);
  if (place.drawn === whole) return;
  place.drawn = whole;
  const focused = place.contains(document.activeElement) && document.activeElement.id;
  place.replaceChildren(...make());
  if (focused) $(focused)?.focus();
}

function draw() {
  const words = say();
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const place of document.querySelectorAll("[data-say]")) {
    const said = words[place.dataset.say];
    if (place.textContent !== said) place.textContent = said;
  }
  text("language", words.other);
  $("language").lang = language === "zh" ? "en" : "zh-CN";
  if (now.site) drawSite(now.site);
  if (now.limits) drawArm(now.state, now.limits);
  drawControl();
  once("events", now.events, () => [...(now.events ?? [])].reverse().map(happened));
  $("no-events").hidden = Boolean(now.events?.length);
  drawStop();
}

function drawSite(site) {
  text("label", site.label);
  const asker = now.asking?.find(({ digits }) => digits);
  document.title = `${asker ? `● ${say().asks(asker.name)}` : say().page} – ${site.label}`;
  text("simulated", say().simulated);
  $("simulated").hidden = !site.simulated;
  text("connected", site.connected ? say().connected : say().unconnected);
  $("connected").dataset.tone = site.connected ? "good" : "caution";
  $("at-once").hidden = site.grants !== "at_once";
}

const LOOKS = {
  following: ["▶", "good"],
  ready: ["▮▮", ""],
  idle: ["■", ""],
  frozen: ["▮▮", "caution"],
  holding: ["⚠", "danger"],
  retreating: ["⚠", "danger"],
  latched: ["■", "danger"],
};

function drawArm(state, limits) {
  const words = say();
  const known = state && !state.stale;
  const [icon, tone] = known ? LOOKS[state.mode] : ["⚠", "danger"];
  text("mode-icon", icon);
  $("mode-words").dataset.tone = tone;
  const unknown = state ? "stale" : "no_state";
  text("mode-text", known ? words.mode[state.mode] : words[unknown]);
  const why = known ? words.cause[state.cause] : words[`${unknown}_why`];
  const fault = known && state.fault ? words.because(words.text[state.fault] ?? state.fault) : "";
  text("mode-why", `${why} ${fault}`);

  const [warn, soft, hard] = limits;
  const force = known ? state.force_n : 0;
  const part = (n) => `${Math.min((100 * n) / (SCALE * hard), 100)}%`;
  text("force-n", known ? `${force.toFixed(1)} N` : "–");
  text("force-name", words.limits(warn, soft, hard));
  $("fill").style.width = part(force);
  $("fill").dataset.tone = force >= soft ? "danger" : force >= warn ? "caution" : "";
  for (const [id, n] of [["warn", warn], ["soft", soft], ["hard", hard]]) $(id).style.left = part(n);
  $("bar").ariaValueMax = String(SCALE * hard);
  $("bar").ariaValueNow = String(force);
  $("bar").ariaValueText = $("force-n").textContent;

  const ms = (value) => (value === null ? words.unknown : `${value} ms`);
  text("deadman", known ? (state.deadman ? words.held : words.released) : "–");
  text("round-trip", known ? ms(state.round_trip_ms) : "–");
  text("picture", known ? ms(state.picture_age_ms) : "–");
  text("speed", known ? `${Math.round(100 * state.speed)} %` : "–");
  $("figures").hidden = !now.holder; // they are the holder's
}

function drawControl() {
  const words = say();
  const { holder, asking = [], state } = now;
  once("holder", holder, () =>
    holder ? [...who(holder), element("p", words.since(clock(holder.since_ms)))] : [element("p", words.nobody_has)],
  );
  $("take-back").hidden = !holder;
  $("nobody").hidden = asking.length > 0;
  $("refused").hidden = !refused;
  text("refused", refused && words.not_given(words.text[refused] ?? refused));
  const rests = performance.now() < resting;
  once("asking", [asking, holder, state?.stopped, rests], () =>
    asking.map((asker) => askerCard(asker, holder, state, rests)),
  );
}

function who({ name, role, institution }) {
  return [element("p", name, "who"), element("p", [say().role[role] ?? role, institution].filter(Boolean).join(" · "))];
}

function askerCard(asker, holder, state, rests) {
  const words = say();
  const card = document.createElement("li");
  card.append(...who(asker));
  const digits = asker.digits.replace(/^(...)/, "$1 ");
  card.append(element("p", asker.digits ? words.compare : words.exchanging));
  if (asker.digits) card.append(element("p", digits, "digits"));
  if (state?.stopped) card.append(element("p", words.cleared_first, "caution"));
  const grant = element("button", holder ? words.replaces(holder.name) : words.grant, "main");
  grant.id = `grant-${asker.id}`;
  grant.disabled = !asker.digits || Boolean(state?.stopped) || !state || rests;
  grant.onclick = () => {
    refused = "";
    send({ do: "grant", id: asker.id, digits: asker.digits });
    draw();
  };
  const deny = element("button", words.deny);
  deny.id = `deny-${asker.id}`;
  deny.disabled = rests;
  deny.onclick = () => send({ do: "deny", id: asker.id });
  const answers = element("div", "", "answers");
  answers.append(grant, deny);
  card.append(answers);
  return card;
}

const clock = (ms) => new Date(ms).toLocaleTimeString(document.documentElement.lang, { hour12: false });

function happened(event) {
  const words = say();
  const line = document.createElement("li");
  const time = element("time", clock(event.at_ms));
  const cause = words.cause[event.cause];
  const said =
    event.kind === "mode"
      ? [words.mode[event.text]]
      : [words.kind[event.kind] ?? event.kind, whoOrWhat(event)];
  const figures = Object.entries(event.figures).map(([name, value]) => figure(name, value));
  const why = cause && cause !== said[0] ? words.because(cause) : "";
  line.append(time, element("span", `${[...said, ...figures].filter(Boolean).join(" · ")} ${why}`));
  return line;
}

function figure(name, value) {
  if (name === "force_n") return `${value.toFixed(1)} N`;
  if (name === "speed") return `${Math.round(100 * value)} %`;
  if (name === "round_trip_ms") return `${Math.round(value)} ms`;
  return name === "count" ? `× ${value}` : `#${value}`;
}

function whoOrWhat({ kind, text }) {
  return ["granted", "stop"].includes(kind) ? nameOf(text) : (say().text[text] ?? text);
}

function drawStop() {
  const words = say();
  const stopped = now.state?.stopped ?? "";
  if (stopped && link) stopPressed = false;
  if (sure !== stopped) sure = "";
  const word = stopped ? "is_stopped" : !stopPressed ? "stop" : link && now.state ? "stopping" : "unsent";
  text("stop-word", words[word]);
  $("stop-key").hidden = word !== "stop";
  $("stop").classList.toggle("is-stopped", Boolean(stopped));
  $("stopped").hidden = !stopped;
  text("stopped-by", words.stopped_by(nameOf(stopped)));
  $("clear").hidden = Boolean(sure);
  $("sure").hidden = !sure;
}

/** Of somebody in the room; the record has ids alone. */
function nameOf(id) {
  return say().text[id] ?? names.get(id) ?? say().somebody;
}

// --- what is pressed

function remembered() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null;
  }
}

$("stop").onclick = stop;
$("take-back").onclick = () => send({ do: "take_back" });
$("clear").onclick = () => {
  sure = now.state.stopped;
  draw();
  $("clear-no").focus();
};
$("clear-no").onclick = () => {
  sure = "";
  draw();
  $("clear").focus();
};
$("clear-yes").onclick = () => {
  send({ do: "clear", stopped: sure });
  sure = "";
  draw();
};
$("language").onclick = () => {
  language = language === "zh" ? "en" : "zh";
  try {
    localStorage.setItem("language", language);
  } catch {
    // It is asked again next time.
  }
  draw();
};

// The space key stops, wherever the focus is; buttons are pressed by Enter.
for (const kind of ["keydown", "keyup"]) {
  addEventListener(
    kind,
    (event) => {
      if (event.code !== "Space") return;
      event.preventDefault();
      event.stopPropagation();
      if (kind === "keydown" && !event.repeat) stop();
    },
    { capture: true },
  );
}

setInterval(() => link && performance.now() - heard > SILENT_MS && lose(), 500);
open();
draw();
