// What the page does beyond plain forms: "/" goes to the search field, and the graph arranges itself.
"use strict";

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.getElementById("q");
  if (search) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

function arrange(picture) {
  const [, , width, height] = picture.getAttribute("viewBox").split(" ").map(Number);
  const nodes = [...picture.querySelectorAll(".node")].map((element) => ({
    element,
    id: element.id,
    x: Number(element.dataset.x),
    y: Number(element.dataset.y),
  }));
  const edges = [...picture.querySelectorAll(".edge")].map((element) => ({
    element,
    source: element.dataset.from,
    target: element.dataset.to,
  }));
  const inside = (value, most) => Math.max(16, Math.min(most - 16, value));
  const centre = nodes.find((node) => node.element.classList.contains("centre"));
  if (centre) [centre.fx, centre.fy] = [width / 2, height / 2];

  const draw = () => {
    for (const node of nodes) {
      [node.x, node.y] = [inside(node.x, width), inside(node.y, height)];
      node.element.setAttribute("transform", `translate(${node.x.toFixed(1)} ${node.y.toFixed(1)})`);
    }
    for (const { element, source, target } of edges) {
      element.setAttribute("x1", source.x.toFixed(1));
      element.setAttribute("y1", source.y.toFixed(1));
      element.setAttribute("x2", target.x.toFixed(1));
      element.setAttribute("y2", target.y.toFixed(1));
    }
  };
  const far = Math.max(40, Math.min(140, 600 / Math.sqrt(nodes.length)));
  const frame = picture.parentElement; // on a small screen wider than what is seen of it
  frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
  const simulation = d3
    .forceSimulation(nodes)
    .force("edges", d3.forceLink(edges).id((node) => node.id).distance(far))
    .force("apart", d3.forceManyBody().strength(-4 * far))
    .force("apart near", d3.forceCollide(14))
    .force("x", d3.forceX(width / 2).strength(0.04))
    .force("y", d3.forceY(height / 2).strength(0.08))
    .on("tick", draw)
    .on("end", () => picture.setAttribute("data-arranged", ""));
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    simulation.stop().tick(300);
    draw();
    picture.setAttribute("data-arranged", "");
  }
}

for (const picture of document.querySelectorAll(".plot.graph")) arrange(picture);
