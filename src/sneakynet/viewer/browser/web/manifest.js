// What the page shows: `view.json`, with addresses that count from its own place.

const FORMAT = "sneakynet view";
const VERSION = 1;

/** Address of `view.json`: the query's `data`, on this site only. */
export function manifestAddress(location = window.location) {
  const asked = new URLSearchParams(location.search).get("data") ?? "data/view.json";
  const address = new URL(asked, location.href);
  if (address.origin !== location.origin) throw new Error(`${address} lies on another site than this page`);
  return address;
}

/** Fetch `view.json`; every address in it is made absolute. */
export async function readManifest(address) {
  const answer = await fetch(address, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${address.pathname} cannot be read (${answer.status}); was the viewer ended?`);
  const manifest = await answer.json();
  if (manifest.format !== FORMAT || manifest.format_version !== VERSION) {
    throw new Error(`${address.pathname} is no "${FORMAT}" of version ${VERSION}; load the page again after an update`);
  }
  const absolute = (url) => (url === null ? null : new URL(url, address).href);
  manifest.scan.url = absolute(manifest.scan.url);
  for (const layer of manifest.layers) {
    layer.url = absolute(layer.url);
    layer.glb = absolute(layer.glb);
    for (const bone of layer.bones) {
      bone.mesh = absolute(bone.mesh);
      bone.stl = absolute(bone.stl);
    }
  }
  return manifest;
}

/** `rib_left_1` as a person writes it. */
export function spoken(name) {
  return name.replaceAll("_", " ");
}

/** `#rrggbb` as three numbers. */
export function rgb(color) {
  return [1, 3, 5].map((n) => parseInt(color.slice(n, n + 2), 16));
}
