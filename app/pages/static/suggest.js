// Completions under a search box: a combobox with a list (WAI-ARIA), nothing without JavaScript.
const WAIT = 120; // ms after the last key

for (const input of document.querySelectorAll("input[data-suggest]")) complete(input);

for (const details of document.querySelectorAll("details[data-open-wide]")) {
  details.open = matchMedia("(min-width: 48rem)").matches;
}

function complete(input) {
  const list = Object.assign(document.createElement("div"), {
    id: `${input.id}-suggestions`, className: "suggestions", hidden: true,
  });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels[0].textContent);
  input.after(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) input.setAttribute(name, value);

  let timer, asking, chosen = -1;

  const close = () => {
    clearTimeout(timer);
    asking?.abort();
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const take = (text) => {
    input.value = text;
    close();
    input.form.requestSubmit();
  };
  const show = (texts) => {
    chosen = -1;
    list.replaceChildren(...texts.map((text, index) => {
      const option = document.createElement("div");
      option.id = `${list.id}-${index}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.textContent = text;
      return option;
    }));
    list.hidden = texts.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
  };
  const choose = (step) => {
    const options = [...list.children];
    chosen = (chosen + step + options.length + 1) % (options.length + 1);
    options.forEach((option, index) => option.setAttribute("aria-selected", String(index === chosen)));
    if (options[chosen]) input.setAttribute("aria-activedescendant", options[chosen].id);
    else input.removeAttribute("aria-activedescendant");
  };
  const ask = async () => {
    asking?.abort();
    asking = new AbortController();
    try {
      const address = `${input.dataset.suggest}?q=${encodeURIComponent(input.value.trim())}`;
      const answer = await fetch(address, { signal: asking.signal });
      if (answer.ok) show((await answer.json()).items.slice(0, 8).map((item) => item.text ?? item));
    } catch {
      // without completions the search box is still a search box
    }
  };

  input.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (event.isComposing && !input.value.trim()) return;
    if (input.value.trim()) timer = setTimeout(ask, WAIT);
    else close();
  });
  input.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    if (event.key === "ArrowDown") choose(1);
    else if (event.key === "ArrowUp") choose(-1);
    else if (event.key === "Escape") close();
    else if (event.key === "Enter" && list.children[chosen]) take(list.children[chosen].textContent);
    else return;
    event.preventDefault();
  });
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) take(option.textContent);
  });
  input.addEventListener("blur", close);
}
