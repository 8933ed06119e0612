// Light, dark, or as the system has it.

const ORDER = ["system", "light", "dark"];
const WORDS = { system: "as the system", light: "light", dark: "dark" };

/** @param {HTMLElement} button that changes it */
export function installTheme(button, picture) {
  let theme = kept() ?? "system";
  const apply = () => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.replaceChildren(picture);
    button.setAttribute("aria-label", `Theme: ${WORDS[theme]}. Change it`);
    button.title = `Theme: ${WORDS[theme]}`;
    document.dispatchEvent(new CustomEvent("themechange"));
  };
  button.addEventListener("click", () => {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length] ?? "system";
    keep(theme);
    apply();
  });
  apply();
}

// A browser that keeps nothing for the page refuses even to be asked.

function kept() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
}

function keep(theme) {
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // it lasts until the page is loaded again
  }
}
