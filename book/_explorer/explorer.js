/* The explorer: penalties in closed form, denoising, recovery, and the charts that follow the sliders.
   The functions restate the package's closed forms; tests/test_pages.py holds what the page draws against the package. */
(() => {
  "use strict";

  // ---------------------------------------------------------------- penalties: value, gradient, prox for |x| = r

  const odd = (f) => (x) => (x < 0 ? -f(-x) : f(x));
  const even = (f) => (x) => f(Math.abs(x));
  const clip = (r, low, high) => Math.min(Math.max(r, low), high);

  /* Equations (4), (9), (10), with scale s and b = share · √(2a); beyond step 1 the prox jumps. */
  function weep(a, share, s) {
    const end = Math.sqrt(2 * a), b = share * end, delta = end - b, root = Math.sqrt(a + 1);
    const x1 = (s * (b + delta / root)) / a, x2 = (s * (b + delta * root)) / a, m = (a + 1) * x1;
    return {
      a, b, s, x1, x2, m,
      d: (-m * x1) / 2,
      c: s * s * (1 - b * Math.sqrt(2 / a)),
      lipschitz: delta > 0 ? Math.max(1, a) : a,
      weak: delta > 0 ? 1 : 0,
      value: even((r) => {
        const inner = Math.min(r, x1), middle = clip(r, x1, x2);
        return (a * inner * inner + (middle - x1) * (a * x1 + m - middle)) / 2 + s * b * Math.max(r - x2, 0);
      }),
      base: even((r) => {
        const cap = s * Math.sqrt(2 / a);
        return (a / 2) * Math.min(r, cap) ** 2 + s * b * Math.max(r - cap, 0);
      }),
      grad: odd((r) => Math.min(a * r, Math.max(m - r, s * b))),
      prox: (step) => {
        const inner = (r) => r / (1 + step * a), outer = (r) => r - step * s * b;
        const tie = s * (b / a + step * b + (delta * Math.sqrt(step + 1 / a)) / Math.sqrt(a));
        return step < 1
          ? odd((r) => Math.max(inner(r), Math.min((r - step * m) / (1 - step), outer(r))))
          : odd((r) => (r > tie ? outer(r) : inner(r)));
      },
    };
  }

  /* weight · Huber(delta) */
  const huber = (delta, weight = 1) => ({
    weak: 0,
    value: even((r) => weight * Math.min(r, delta) * (r - Math.min(r, delta) / 2)),
    grad: odd((r) => weight * Math.min(r, delta)),
    prox: (step) => odd((r) => Math.max(r / (1 + step * weight), r - step * weight * delta)),
  });

  /* MCP with slope lam and γ = 1 */
  const mcp = (lam) => ({
    weak: 1,
    value: even((r) => Math.min(r, lam) * (lam - Math.min(r, lam) / 2)),
    grad: odd((r) => (r > 0 ? Math.max(lam - r, 0) : 0)),
    prox: (step) =>
      step < 1
        ? odd((r) => Math.max(Math.min((r - step * lam) / (1 - step), r), 0))
        : odd((r) => (r > lam * Math.sqrt(step) ? r : 0)),
  });

  /* slope · |x| */
  const l1 = (slope) => ({
    weak: 0,
    value: even((r) => slope * r),
    grad: odd((r) => (r > 0 ? slope : 0)),
    prox: (step) => odd((r) => Math.max(r - step * slope, 0)),
  });

  /* (weight/2) x² */
  const l2 = (weight) => ({
    weak: 0,
    value: (x) => (weight / 2) * x * x,
    grad: (x) => weight * x,
    prox: (step) => (z) => z / (1 + step * weight),
  });

  // ---------------------------------------------------------------- problem (11) in one dimension

  const differences = (x) => Array.from({ length: x.length - 1 }, (_, i) => x[i + 1] - x[i]);
  const adjoint = (w) => Array.from({ length: w.length + 1 }, (_, i) => (w[i - 1] ?? 0) - (w[i] ?? 0));
  const norm = (x) => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));

  /* x of (I + ρDᵀD) x = y: Thomas' algorithm; the factor is made once. */
  function resolvent(n, rho) {
    const upper = [], pivot = [];
    for (let i = 0; i < n; i++) {
      pivot[i] = 1 + (i > 0 ? rho : 0) + (i < n - 1 ? rho : 0) + (i > 0 ? rho * upper[i - 1] : 0);
      upper[i] = -rho / pivot[i];
    }
    return (y) => {
      const x = [];
      for (let i = 0; i < n; i++) x[i] = (y[i] + (i > 0 ? rho * x[i - 1] : 0)) / pivot[i];
      for (let i = n - 2; i >= 0; i--) x[i] -= upper[i] * x[i + 1];
      return x;
    };
  }

  /* ADMM on z = Dx, as weep.denoise_tv has it. */
  function denoise(y, phi, lam, rho, tol = 1e-7, most = 3000) {
    const solve = resolvent(y.length, rho), prox = phi.prox(lam / rho);
    const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
    const unit = norm(y.map((value) => value - mean));
    let z = differences(y), u = z.map(() => 0), x = y, residual = Infinity, count = 0;
    for (; residual > tol && count < most; count++) {
      const pull = adjoint(z.map((value, i) => value - u[i]));
      x = solve(y.map((value, i) => value + rho * pull[i]));
      const dx = differences(x), v = dx.map((value, i) => value + u[i]), old = z;
      z = v.map(prox);
      u = v.map((value, i) => value - z[i]);
      const primal = norm(dx.map((value, i) => value - z[i]));
      const dual = rho * norm(adjoint(z.map((value, i) => value - old[i])));
      residual = Math.max(primal, dual) / unit;
    }
    return { x, count, converged: residual <= tol };
  }

  /* Blocks, a ramp and a bump, with normal noise from a seeded generator (mulberry32 and Box and Muller). */
  const CLEAN = Array.from({ length: 240 }, (_, i) => {
    if (i < 40) return 0;
    if (i < 75) return 1;
    if (i < 100) return 0.3;
    if (i < 150) return 0.3 + (0.9 * (i - 100)) / 50;
    if (i < 180) return 0.1;
    return 0.1 + 0.5 * Math.exp(-(((i - 210) / 9) ** 2));
  });

  /* Uniform and normal numbers of a seed. */
  function generator(seed) {
    let state = seed >>> 0;
    const uniform = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
    };
    return { uniform, normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()) };
  }

  function noisy(sigma, seed) {
    const { normal } = generator(seed);
    return CLEAN.map((v) => v + sigma * normal());
  }

  // ---------------------------------------------------------------- problem (1): few measurements of a signal

  const SAMPLES = 64, SMALLEST = 0.5; // entries of Lx are at least so large, or zero
  const dot = (p, q) => p.reduce((sum, value, i) => sum + value * q[i], 0);
  const transposed = (A, u) => A[0].map((_, j) => A.reduce((sum, row, i) => sum + row[j] * u[i], 0));

  /* Spikes, or a piecewise constant signal, and its first m measurements, of rows that no slider changes. */
  function sensed(jumps, count, m, sigma, seed) {
    const { uniform } = generator(3 * seed), places = Array.from({ length: SAMPLES - 1 }, (_, i) => i + 1);
    const x = Array(SAMPLES).fill(0);
    let level = 2 * uniform() - 1, from = 0;
    const chosen = Array.from({ length: count }, () => places.splice(Math.floor(uniform() * places.length), 1)[0]);
    for (const place of chosen.sort((i, j) => i - j)) {
      x.fill(jumps ? level : 0, from, place);
      let next = 2 * uniform() - 1;
      while (jumps && Math.abs(next - level) < SMALLEST) next = 2 * uniform() - 1;
      if (!jumps) x[place] = Math.sign(next) * SMALLEST * (1 + 2 * Math.abs(next));
      [level, from] = [next, jumps ? place : place + 1];
    }
    x.fill(jumps ? level : 0, from);
    const rows = generator(3 * seed + 1), noise = generator(3 * seed + 2);
    const A = Array.from({ length: m }, () => x.map(() => rows.normal() / Math.sqrt(m)));
    return { x, A, y: A.map((row) => dot(row, x) + sigma * noise.normal()) };
  }

  /* x of S x = b for a positive definite S: Cholesky; the factor is made once. */
  function factorised(S) {
    const n = S.length, low = S.map((row) => [...row]);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        let rest = S[i][j];
        for (let k = 0; k < j; k++) rest -= low[i][k] * low[j][k];
        low[i][j] = i === j ? Math.sqrt(rest) : rest / low[j][j];
      }
    }
    return (b) => {
      const x = [...b];
      for (let i = 0; i < n; i++) {
        for (let k = 0; k < i; k++) x[i] -= low[i][k] * x[k];
        x[i] /= low[i][i];
      }
      for (let i = n - 1; i >= 0; i--) {
        x[i] /= low[i][i];
        for (let k = 0; k < i; k++) x[k] -= low[i][k] * x[i];
      }
      return x;
    };
  }

  const DIFFERENCES = { to: differences, back: adjoint }, IDENTITY = { to: (x) => x, back: (x) => x };

  /* ADMM on z = Lx, from a start; ρ is balanced now and then, more and more rarely, as in weep.recover. */
  function recover({ A, y }, L, phi, lam, start, tol = 1e-7, most = 4000) {
    const unit = start.map((_, i) => start.map((_, j) => Number(i === j)));
    const gram = unit.map((e) => transposed(A, A.map((row) => dot(row, e)))), bend = unit.map((e) => L.back(L.to(e)));
    const prepare = (rho) => factorised(gram.map((row, i) => row.map((value, j) => value + rho * bend[i][j])));
    const pull = transposed(A, y), scale = norm(pull), least = 2.2 * lam * phi.weak;
    let rho = Math.max(least, 0.2), solve = prepare(rho), prox = phi.prox(lam / rho), following = 10;
    let x = start, z = L.to(x), u = z.map(() => 0), residual = Infinity, count = 0;
    while (residual > tol && count < most) {
      const back = L.back(z.map((value, i) => value - u[i])), old = z;
      x = solve(pull.map((value, i) => value + rho * back[i]));
      const lx = L.to(x), v = lx.map((value, i) => value + u[i]);
      z = v.map(prox);
      u = v.map((value, i) => value - z[i]);
      const primal = norm(lx.map((value, i) => value - z[i])) / norm(x);
      const dual = (rho * norm(L.back(z.map((value, i) => value - old[i])))) / scale;
      residual = Math.max(primal, dual);
      count += 1;
      if (count === following) {
        following = Math.ceil(1.5 * count);
        const next = Math.max(least, rho * clip(Math.sqrt(Math.max(primal, 1e-30) / Math.max(dual, 1e-30)), 0.2, 5));
        u = u.map((value) => (value * rho) / next);
        [rho, solve, prox] = [next, prepare(next), phi.prox(lam / next)];
      }
    }
    const fit = norm(A.map((row, i) => dot(row, x) - y[i])) ** 2 / 2;
    return { x, count, converged: residual <= tol, objective: fit + lam * L.to(x).reduce((sum, t) => sum + phi.value(t), 0) };
  }

  // ---------------------------------------------------------------- charts

  // The colours and dashes of weep.companion.plots.STYLES. In the dark, explorer.css turns the charts as it does the figures.
  const STYLES = {
    weep: ["#0072B2", "solid"], base: ["#882255", "longdashdot"], mcp: ["#D55E00", "dashdot"],
    huber: ["#009E73", "longdash"], l1: ["#E69F00", "dash"], l2: ["#777777", "dot"],
    clean: ["#000000", "dot"], data: ["#999999", "dot"],
  };

  const curve = (name, label, x, y, width = 2, dash = STYLES[name][1]) => ({
    name: label, x, y, mode: "lines", hovertemplate: "%{x:.3g}, %{y:.3g}",
    line: { color: STYLES[name][0], dash, width },
  });
  const dots = (name, label, x, y, size = 9) => ({
    name: label, x, y, mode: "markers", marker: { color: STYLES[name][0], size }, hovertemplate: "%{x:.3g}, %{y:.3g}",
  });

  function draw(id, traces, xtitle, yaxis = {}) {
    const axis = { gridcolor: "#dddddd", zerolinecolor: "#aaaaaa", fixedrange: true, automargin: true };
    const layout = {
      font: { family: getComputedStyle(document.body).fontFamily, color: "#222222", size: 13 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", dragmode: false, showlegend: true,
      margin: { l: 44, r: 12, t: 8, b: 40 }, legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom" },
      xaxis: { ...axis, title: { text: xtitle } }, yaxis: { ...axis, ...yaxis }, hovermode: "closest",
    };
    window.Plotly.react(id, traces, layout, { displayModeBar: false, responsive: true });
  }

  // ---------------------------------------------------------------- controls

  const field = (id) => document.getElementById(id);
  const digits = (value) => (Math.abs(value) < 5e-5 ? "0" : Number(value.toPrecision(4)).toString().replace(/^-/, "−"));
  /* A slider's value; one on a logarithmic scale holds the exponent of ten. */
  const read = (id) => {
    const input = field(id), raw = Number(input.value), value = input.dataset.log === undefined ? raw : 10 ** raw;
    input.setAttribute("aria-valuetext", digits(value));
    field(`${id}-out`).value = digits(value);
    return value;
  };
  const tell = (id, value) => {
    field(id).textContent = typeof value === "number" ? digits(value) : value;
    field(id).dataset.value = value;
  };
  const chosen = (name) => [...document.querySelectorAll(`input[name=${name}]:checked`)].map((input) => input.value);
  const grid = (low, high, n) => Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1));
  const X = grid(-4, 4, 801);

  const PRESETS = { // exponents of ten, but for the share
    start: [0.5, 0.12, -0.3, 0], mcp: [3, 0, -0.3, 0], huber: [0.3, 1, -0.3, 0], l1: [3, 1, -0.6, -0.9],
    l2: [0, 0, -0.3, 0.6], jump: [0.5, 0.12, 0.3, 0],
  };

  function penalty() {
    const phi = weep(read("ex-a"), read("ex-share"), read("ex-s")), step = read("ex-step"), at = read("ex-at");
    const { a, b, s, m, d, x1, x2 } = phi;
    const limits = {
      mcp: ["MCP", mcp(Math.SQRT2 * s)], huber: ["Huber", huber(s * Math.sqrt(2 / a), a)],
      l1: ["L1", l1(s * b)], l2: ["L2", l2(a)],
    };
    const shown = chosen("ex-limit").map((name) => [name, ...limits[name]]);

    const cap = s * Math.sqrt(2 / a), reach = Math.max(1.5 * x2, 1.5 * cap), r = grid(0, reach, 401);
    const lift = (x) => (x * x) / 2;
    draw("ex-tangent", [
      curve("base", "base penalty + x²/2", r, r.map((x) => phi.base(x) + lift(x))),
      curve("weep", "WEEP + x²/2", r, r.map((x) => phi.value(x) + lift(x))),
      curve("data", "tangent mx + d", r, r.map((x) => m * x + d), 1.5),
      dots("weep", "x₁ and x₂", [x1, x2], [m * x1 + d, m * x2 + d]),
    ], "x");
    draw("ex-value", [
      ...shown.map(([name, label, f]) => curve(name, label, X, X.map(f.value))),
      curve("base", "base penalty", X, X.map(phi.base)),
      curve("weep", "WEEP", X, X.map(phi.value)),
      dots("weep", "at x", [at], [phi.value(at)]),
    ], "x", { rangemode: "tozero" });
    draw("ex-grad", [
      ...shown.map(([name, label, f]) => curve(name, label, X, X.map(f.grad))),
      curve("weep", "WEEP", X, X.map(phi.grad)),
      dots("weep", "at x", [at], [phi.grad(at)]),
    ], "x");
    draw("ex-prox", [
      ...shown.map(([name, label, f]) => curve(name, label, X, X.map(f.prox(step)))),
      curve("weep", "WEEP", X, X.map(phi.prox(step))),
      dots("weep", "at z = x", [at], [phi.prox(step)(at)]),
    ], "z");

    const numbers = { b: s * b, x1, x2, m, d, c: phi.c, L: phi.lipschitz, rho: phi.weak };
    Object.entries(numbers).forEach(([name, value]) => tell(`ex-${name}`, value));
    tell("ex-at-value", phi.value(at));
    tell("ex-at-grad", phi.grad(at));
    tell("ex-at-prox", phi.prox(step)(at));
    const away = (f) => Math.max(...X.map((x) => Math.abs(phi.value(x) - f.value(x))));
    Object.entries(limits).forEach(([name, [, f]]) => tell(`ex-away-${name}`, away(f)));
    tell("ex-regime", step * phi.weak < 1 ? "one minimum for every z" : "two minima tie where the curve jumps");
  }

  let seed = 1;

  function signal() {
    const y = noisy(read("tv-sigma"), seed), lam = read("tv-lam"), s = read("tv-s"), a = read("tv-a");
    const phi = {
      weep: () => weep(a, read("tv-share"), s), mcp: () => mcp(Math.SQRT2 * s), huber: () => huber(s),
      l1: () => l1(s), l2: () => l2(1),
    }[chosen("tv-penalty")[0]]();
    ["tv-a", "tv-share"].forEach((id) => { field(id).disabled = chosen("tv-penalty")[0] !== "weep"; });
    field("tv-s").disabled = chosen("tv-penalty")[0] === "l2";
    read("tv-share");
    const rho = phi.weak > 0 ? 2.2 * lam : Math.max(lam, 0.5);
    const { x, count, converged } = denoise(y, phi, lam, rho);
    const i = CLEAN.map((_, index) => index);
    const error = (z) => Math.sqrt(z.reduce((sum, value, k) => sum + (value - CLEAN[k]) ** 2, 0) / z.length);
    const name = chosen("tv-penalty")[0];
    draw("tv-plot", [
      dots("data", "noisy y", i, y, 4),
      curve("clean", "clean", i, CLEAN, 1.5),
      curve(name, "denoised x", i, x, 2, "solid"),
    ], "i", { range: [-0.7, 1.7] });
    const fit = y.reduce((sum, value, k) => sum + (value - x[k]) ** 2, 0) / 2;
    tell("tv-noisy-error", error(y));
    tell("tv-error", error(x));
    tell("tv-objective", fit + lam * differences(x).reduce((sum, value) => sum + phi.value(value), 0));
    tell("tv-count", converged ? `${count}` : `${count}: not converged`);
    const convex = 4 * lam * phi.weak < 1;
    tell("tv-convex", convex ? "convex: one minimum" : "not convex: a stationary point");
  }

  let another = 1, tried = { key: "", points: {} };

  /* L1 and WEEP of one slope at small entries; WEEP by three problems, from the Huber loss to b = 0. */
  function sensing() {
    const m = read("cs-m"), count = read("cs-k"), sigma = read("cs-sigma"), jumps = chosen("cs-kind")[0] === "jumps";
    const problem = sensed(jumps, count, m, sigma, another), L = jumps ? DIFFERENCES : IDENTITY;
    const slope = 2 * Math.max(sigma, 0.01), s = SMALLEST / weep(100, 0, 1).x2, lam = slope / weep(100, 0, s).m;
    const zero = problem.x.map(() => 0), found = { l1: recover(problem, L, l1(1), slope, zero) };
    [1, 0.5, 0].forEach((share) => {
      found.weep = recover(problem, L, weep(100, share, s), lam, found.weep?.x ?? zero);
    });
    field("cs-plot").problem = { ...problem, slope, lam, s };

    const key = [jumps, count, sigma, another].join();
    if (tried.key !== key) tried = { key, points: {} };
    const size = norm(problem.x), i = zero.map((_, index) => index), names = { l1: "L1", weep: "WEEP" };
    const errors = {};
    Object.entries(found).forEach(([name, { x, objective, converged }]) => {
      errors[name] = norm(x.map((value, k) => value - problem.x[k])) / size;
      tell(`cs-${name}-error`, errors[name]);
      tell(`cs-${name}-objective`, objective);
      tell(`cs-${name}-state`, converged ? "yes" : "no");
    });
    tried.points[m] = errors;
    draw("cs-plot", [
      curve("clean", "true signal", i, problem.x, 1.5),
      ...Object.keys(names).map((name) => curve(name, names[name], i, found[name].x)),
    ], "i", { range: [-1.8, 1.8] });
    const seen = Object.keys(tried.points).map(Number);
    draw("cs-tried", Object.keys(names).map((name) =>
      dots(name, names[name], seen, seen.map((n) => tried.points[n][name]), name === "l1" ? 11 : 7),
    ), "measurements m", { type: "log", dtick: 1, title: { text: "relative error" } });
  }

  // ---------------------------------------------------------------- start

  const later = (...parts) => { // at most one drawing a frame
    let queued = false;
    return () => {
      if (queued) return;
      queued = true;
      requestAnimationFrame(() => { queued = false; parts.forEach((part) => part()); });
    };
  };

  function start() {
    if (!field("explorer")) return;
    field("explorer").addEventListener("input", later(penalty));
    field("explorer-tv").addEventListener("input", later(signal));
    field("explorer").addEventListener("click", (event) => {
      const preset = PRESETS[event.target.dataset?.preset];
      if (!preset) return;
      ["ex-a", "ex-share", "ex-step", "ex-s"].forEach((id, i) => { field(id).value = preset[i]; });
      document.querySelectorAll("input[name=ex-limit]").forEach((input) => {
        input.checked = input.value === event.target.dataset.preset;
      });
      penalty();
    });
    field("tv-seed").addEventListener("click", () => { seed += 1; signal(); });
    field("explorer-cs").addEventListener("input", later(sensing));
    field("cs-seed").addEventListener("click", () => { another += 1; sensing(); });
    penalty();
    signal();
    sensing();
    document.querySelectorAll(".explorer").forEach((part) => part.classList.add("ready"));
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
