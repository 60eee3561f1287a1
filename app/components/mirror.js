// The live mirror on a page: engine/mirror.js, and what it freezes on its way to the server.
const mirrors = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  const before = mirrors.get(root), said = JSON.stringify(data);
  if (before?.said !== said) {
    before?.mirror.then((mirror) => mirror.close());
    root.replaceChildren();
    const freeze = (pixels, labels) => {
      const letters = Array.from(pixels, (value) => String.fromCharCode(value)).join("");
      setTriggerValue("frozen", { picture: btoa(letters), labels });
    };
    const off = (why) => setStateValue("off", why);
    const mirror = import(new URL("engine/mirror.js", document.baseURI)).then(({ Mirror }) => new Mirror(root, { ...data, freeze, off }));
    mirrors.set(root, { said, mirror });
  }
  return () => setTimeout(() => { // a rerun puts it back at once
    if (root.isConnected) return;
    mirrors.get(root)?.mirror.then((mirror) => mirror.close());
    mirrors.delete(root);
  });
}
