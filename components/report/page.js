// Draws the figures with the colours of the page, and again when these or the width change.
(async () => {
  "use strict";
  const { template, figures } = JSON.parse(document.getElementById("figures").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 640px)");

  // Colours stand in the figures as names of CSS variables, which Plotly does not know.
  function coloured(value, style) {
    if (typeof value === "string") {
      const name = /^var\((--[\w-]+)\)$/.exec(value);
      return name ? style.getPropertyValue(name[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map((item) => coloured(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, style)]));
    }
    return value;
  }

  // Where there is little room: small letters, few ticks, and a finger scrolls the page instead of zooming.
  function forPhones(figure) {
    const { layout } = figure;
    for (const name of Object.keys(layout.template.layout).filter((key) => /^[xy]axis/.test(key))) {
      layout.template.layout[name].nticks = name[0] === "x" ? 4 : 6;
    }
    layout.template.layout.font.size = 10;
    layout.dragmode = false;
    for (const trace of figure.data.filter((each) => each.texttemplate)) trace.textfont.size = 9;
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    const family = getComputedStyle(document.body).fontFamily;
    for (const place of document.querySelectorAll("[data-figure]")) {
      const figure = coloured(figures[place.dataset.figure], style);
      figure.layout.template = coloured(template, style);
      figure.layout.template.layout.font.family = family;
      if (narrow.matches) forPhones(figure);
      Plotly.react(place, figure.data, figure.layout, {
        responsive: true,
        displaylogo: false,
        displayModeBar: narrow.matches ? false : "hover",
        modeBarButtons: [["toImage", "resetScale2d"]],
      });
    }
    document.documentElement.dataset.drawn = dark.matches ? "dark" : "light";
  }

  // Plotly's code is packed; as the text of an element it needs no permission beyond that of this one.
  async function load() {
    const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (each) => each.charCodeAt(0));
    const code = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const element = document.createElement("script");
    element.textContent = await new Response(code).text();
    document.head.append(element);
  }

  await load();
  draw();
  for (const query of [dark, narrow]) query.addEventListener("change", draw);
})();
