// How pages look: size, theme and typeface, kept for the next book.
import { SIZES, keepLook } from "./memory.js";

/** Binds the controls to `settings`, which is changed in place; `changed` is called after. */
export function display(settings, changed) {
  const at = (id) => document.getElementById(id);
  const apply = () => {
    document.documentElement.dataset.theme = settings.theme;
    at("size").textContent = `${settings.size}%`;
    at("smaller").disabled = settings.size === SIZES[0];
    at("larger").disabled = settings.size === SIZES.at(-1);
    for (const input of document.querySelectorAll("#settings input")) {
      input.checked = settings[input.name] === input.value;
    }
  };
  const change = (values) => {
    Object.assign(settings, values);
    keepLook(settings);
    apply();
    changed();
  };
  const step = (by) => change({ size: SIZES[SIZES.indexOf(settings.size) + by] ?? settings.size });
  at("smaller").addEventListener("click", () => step(-1));
  at("larger").addEventListener("click", () => step(1));
  for (const input of document.querySelectorAll("#settings input")) {
    input.addEventListener("change", () => change({ [input.name]: input.value }));
  }
  apply();
}
