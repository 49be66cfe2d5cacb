// Let the page's script run again when the reader's system turns dark or light: figures have colours of their own.
const turning = new WeakMap();
export default function ({ parentElement, setTriggerValue }) {
  const known = turning.get(parentElement);
  turning.set(parentElement, setTriggerValue);
  if (known) return;
  const media = matchMedia("(prefers-color-scheme: dark)");
  const turned = () => {
    if (parentElement.isConnected) turning.get(parentElement)("turned", `${Date.now()}`);
    else media.removeEventListener("change", turned);
  };
  media.addEventListener("change", turned);
}
