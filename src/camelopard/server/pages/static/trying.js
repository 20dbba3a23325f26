// Files can be dropped, and a list gives way to its "other…". The page works without it.

const drop = document.getElementById("drop");
const form = document.getElementById("file-form");
const file = document.getElementById("file");

if (drop && form && file) {
  const word = document.getElementById("drop-word");
  word.hidden = false;
  const over = (event) => {
    event.preventDefault();
    drop.classList.add("over");
  };
  drop.addEventListener("dragenter", over);
  drop.addEventListener("dragover", over);
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    file.files = event.dataTransfer.files;
    word.textContent = `Judging ${file.files[0].name} …`;
    form.requestSubmit();
  });
}

// A value typed under "other…" goes before the list: say so by dimming that.
for (const other of document.querySelectorAll('.trial details input[name^="o"]')) {
  const list = document.getElementById(`c${other.name.slice(1)}`);
  const show = () => list?.classList.toggle("given-up", other.value !== "");
  other.addEventListener("input", show);
  show();
}

document.getElementById("result")?.focus({ preventScroll: true });
