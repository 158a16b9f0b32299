"use strict";
// Filters, search and order for the list of guests. The page is whole without it.
(() => {
  const root = document.documentElement;
  const listed = 250; // guests at a time; virt-audit hides the others with the class "off"
  const names = ["info", "low", "medium", "high", "critical"];
  const verdicts = ["outside", "undetermined", "not-qemu", "inside"];
  const byId = (id) => document.getElementById(id);

  // Storage may be forbidden, for a file or by the browser: the theme is then not remembered.
  const remembered = (value) => {
    try {
      if (value) localStorage.setItem("virt-audit-theme", value);
      return localStorage.getItem("virt-audit-theme");
    } catch {
      return value;
    }
  };
  root.classList.add("js");
  const theme = remembered();
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;

  // asButton turns an element into a button. Without the script, a button would have no effect.
  function asButton(el, act) {
    const b = document.createElement("button");
    b.type = "button";
    b.className = el.className;
    Object.assign(b.dataset, el.dataset);
    b.append(...el.childNodes);
    b.addEventListener("click", act);
    return b;
  }

  const decode = (text) => text.replace(/&(?:#(\d+)|lt|gt|amp|quot);/g, (e, n) =>
    n ? String.fromCodePoint(n) : { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": "\"" }[e]);

  class Guest {
    constructor(el, place) {
      const row = el.rows[0];
      this.el = el;
      this.place = place; // in the order of virt-audit, the worst first
      this.details = el.querySelector("details");
      this.verdict = row.dataset.v;
      this.name = row.querySelector(".name").textContent;
      this.counts = [0, 0, 0, 0, 0];
      this.findings = row.dataset.f ? row.dataset.f.split(" ") : [];
      for (const f of this.findings) this.counts[f[0]]++;
      this.filled = false;
    }
    // text is the text that a search matches.
    get text() {
      if (this.found === undefined) {
        const packed = this.details.querySelector(":scope > noscript");
        let text = this.el.textContent;
        if (packed) text = this.el.rows[0].textContent + " " + decode(packed.textContent.replace(/<[^>]*>/g, " "));
        this.found = text.toLowerCase();
      }
      return this.found;
    }
    // fill moves the findings out of <noscript>, and adds the text of its rule to each.
    fill() {
      if (this.filled) return;
      this.filled = true;
      this.text;
      const packed = this.details.querySelector(":scope > noscript");
      if (packed) {
        const box = document.createElement("div");
        box.innerHTML = packed.textContent; // as escaped as if the browser had read it in place
        packed.replaceWith(box);
      }
      for (const link of this.details.querySelectorAll(".advise")) {
        const rule = byId(link.firstElementChild.hash.slice(1));
        if (!rule) continue;
        const advice = rule.querySelector(".advice").cloneNode(true);
        advice.querySelector(".fix").remove(); // each finding has its own
        link.replaceWith(advice);
      }
      addCopy(this.details);
    }
    // focus folds the findings that do not match the filter.
    focus(selected) {
      for (const f of this.details.querySelectorAll(".detail > .finding")) f.open = selected(f.dataset.f);
    }
  }

  function addCopy(within) {
    for (const box of within.querySelectorAll(".command")) {
      const b = document.createElement("button");
      b.type = "button";
      b.className = "button copy";
      b.textContent = "Copy";
      b.setAttribute("aria-label", "Copy the command");
      b.addEventListener("click", async () => {
        const line = box.querySelector(".line");
        let done = true;
        try {
          await navigator.clipboard.writeText(line.textContent);
        } catch {
          const range = document.createRange();
          range.selectNodeContents(line);
          getSelection().removeAllRanges();
          getSelection().addRange(range);
          done = document.execCommand("copy");
        }
        b.textContent = done ? "Copied" : "Press Ctrl+C";
        byId("status").textContent = b.textContent;
        setTimeout(() => { b.textContent = "Copy"; byId("status").textContent = ""; }, 2000);
      });
      box.append(b);
    }
  }

  function start() {
    const table = byId("table");
    const guests = Array.from(table.tBodies, (el, i) => new Guest(el, i));
    const of = new Map(guests.map((g) => [g.details, g]));
    const tiles = { verdict: new Map(), severity: new Map() };
    const heads = new Map();
    const state = { verdict: new Set(), severity: new Set(), rule: "", q: "", sort: "", limit: listed };
    let matching = guests, shown = guests.slice(0, listed);
    let moved = false; // rows are not in the order of virt-audit

    // The order in which a first click on a column sorts: names from the beginning, all else from the worst.
    const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
    const orders = {
      name: (a, b) => collator.compare(a.name, b.name),
      verdict: (a, b) => verdicts.indexOf(a.verdict) - verdicts.indexOf(b.verdict),
    };
    names.forEach((s, i) => { orders[s] = (a, b) => b.counts[i] - a.counts[i]; });

    const selected = (f) => (!state.severity.size || state.severity.has(names[f[0]])) &&
      (!state.rule || f.slice(1) === state.rule || f.slice(1).startsWith(state.rule + "-"));

    function matches(g, words) {
      if (state.verdict.size && !state.verdict.has(g.verdict)) return false;
      if ((state.severity.size || state.rule) && !g.findings.some(selected)) return false;
      return words.every((w) => g.text.includes(w));
    }

    // list shows the guests that match, as many as the limit allows.
    function list() {
      const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
      matching = guests.filter((g) => matches(g, words));
      const now = matching.slice(0, state.limit), keep = new Set(now);
      for (const g of shown) if (!keep.has(g)) g.el.classList.add("off");
      if (moved) table.append(...now.map((g) => g.el)); // the order of those that are not listed does not matter
      for (const g of now) g.el.classList.remove("off");
      shown = now;
      for (const g of shown) if (g.filled) g.focus(selected);
      const filtered = state.verdict.size || state.severity.size || state.rule || words.length;
      byId("shown").textContent = (filtered ? `${matching.length} of ${guests.length} guests match` : `${guests.length} ${guests.length === 1 ? "guest" : "guests"}`) +
        (shown.length < matching.length ? `, the first ${shown.length} are listed` : "") + (state.sort ? "" : ", the worst first");
      byId("more").hidden = shown.length === matching.length;
      byId("further").textContent = `Show ${Math.min(listed, matching.length - shown.length)} more`;
      byId("everything").textContent = `Show all ${matching.length}`;
      byId("reset").disabled = !filtered && !state.sort;
      for (const kind of ["verdict", "severity"])
        for (const [word, tile] of tiles[kind]) tile.setAttribute("aria-pressed", state[kind].has(word));
      label();
    }

    function label() {
      const closed = shown.some((g) => !g.details.open);
      byId("open").textContent = closed || !shown.length ? "Expand all" : "Collapse all";
    }

    // sort sorts the rows; equal ones keep the order of virt-audit.
    function sort() {
      const reverse = state.sort.startsWith("-") ? -1 : 1;
      const order = orders[state.sort.replace("-", "")];
      guests.sort((a, b) => (order ? reverse * order(a, b) : 0) || a.place - b.place);
      moved ||= !!order;
      for (const [key, th] of heads) {
        const up = (key === "name" || key === "verdict" ? 1 : -1) * reverse > 0;
        if (order && orders[key] === order) th.setAttribute("aria-sort", up ? "ascending" : "descending");
        else th.removeAttribute("aria-sort");
      }
    }

    // The state is in the fragment, so that it can be saved and shared.
    function save() {
      const p = new URLSearchParams();
      for (const kind of ["verdict", "severity"]) if (state[kind].size) p.set(kind, [...state[kind]].join(","));
      for (const kind of ["rule", "q", "sort"]) if (state[kind]) p.set(kind, state[kind]);
      const hash = p.toString().replace(/%2C/g, ",");
      try {
        history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
      } catch { /* a sandbox: the state is not kept */ }
    }
    function load() {
      if (!/^#?$|=/.test(location.hash)) return; // the name of a place
      const p = new URLSearchParams(location.hash.slice(1));
      for (const kind of ["verdict", "severity"])
        state[kind] = new Set((p.get(kind) || "").split(",").filter((w) => tiles[kind].has(w)));
      state.q = p.get("q") || "";
      state.rule = p.get("rule") || "";
      state.sort = p.get("sort") || "";
      state.limit = listed;
      byId("q").value = state.q;
      byId("rule").value = state.rule;
      if (byId("rule").selectedIndex < 0) byId("rule").value = state.rule = "";
      sort();
      list();
    }
    function changed() {
      state.limit = listed;
      list();
      save();
    }

    for (const kind of ["verdict", "severity"]) {
      for (const el of document.querySelectorAll(`.tile[data-${kind}]`)) {
        const word = el.dataset[kind];
        const b = asButton(el, () => { state[kind].delete(word) || state[kind].add(word); changed(); });
        b.disabled = el.classList.contains("none");
        tiles[kind].set(word, b);
        el.replaceWith(b);
      }
    }
    for (const th of table.tHead.querySelectorAll("[data-sort]")) {
      const key = th.dataset.sort;
      heads.set(key, th);
      const inner = document.createElement("span");
      inner.append(...th.childNodes);
      th.append(asButton(inner, () => {
        state.sort = state.sort === key ? "-" + key : state.sort === "-" + key ? "" : key;
        sort();
        changed();
      }));
    }
    let wait;
    byId("q").addEventListener("input", (e) => {
      clearTimeout(wait);
      wait = setTimeout(() => { state.q = e.target.value; changed(); }, guests.length > 500 ? 200 : 0);
    });
    byId("rule").addEventListener("change", (e) => { state.rule = e.target.value; changed(); });
    byId("filter").addEventListener("submit", (e) => e.preventDefault());
    byId("reset").addEventListener("click", () => {
      Object.assign(state, { verdict: new Set(), severity: new Set(), rule: "", q: "", sort: "" });
      byId("q").value = byId("rule").value = "";
      sort();
      changed();
      byId("q").focus();
    });
    byId("open").addEventListener("click", () => {
      const open = shown.some((g) => !g.details.open);
      for (const g of shown) g.details.open = open;
    });
    byId("further").addEventListener("click", () => { state.limit += listed; list(); });
    byId("everything").addEventListener("click", () => { state.limit = Infinity; list(); });
    // "toggle" does not bubble, but can be caught on its way down; the browser opens what it finds in the page.
    table.addEventListener("toggle", (e) => {
      const g = of.get(e.target);
      if (!g) return;
      if (g.details.open && !g.filled) {
        g.fill();
        g.focus(selected);
      }
      label();
    }, true);
    table.addEventListener("click", (e) => {
      const row = e.target.closest("tr.row");
      if (!row || !getSelection().isCollapsed) return;
      const details = row.parentElement.querySelector("details");
      details.open = !details.open;
    });
    addEventListener("hashchange", load);
    addEventListener("keydown", (e) => {
      if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
      e.preventDefault();
      byId("q").focus();
    });

    const button = byId("theme");
    const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const name = () => { button.textContent = dark() ? "Light theme" : "Dark theme"; };
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      remembered(root.dataset.theme);
      name();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
    name();

    const catalogue = byId("catalogue");
    if (catalogue && !location.hash.startsWith("#r-")) catalogue.open = false;
    button.hidden = byId("filter").hidden = false;
    load();
    if (!/=/.test(location.hash)) list();
  }

  document.addEventListener("DOMContentLoaded", start);
})();
