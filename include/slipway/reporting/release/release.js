// A report is shown without an origin, where the clipboard's own interface is closed: select, then copy.
document.querySelectorAll("button[data-copies]").forEach(button => button.addEventListener("click", () => {
  const range = document.createRange();
  range.selectNodeContents(document.getElementById(button.dataset.copies));
  const chosen = getSelection();
  chosen.removeAllRanges();
  chosen.addRange(range);
  button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
}));
// Inside another page the surrounding one opens the link: this one has no session to open it with.
if (window.parent !== window) document.querySelectorAll(".links a").forEach(link => link.addEventListener("click", event => {
  event.preventDefault();
  window.parent.postMessage({slipwayReport: link.href}, "*");
}));
