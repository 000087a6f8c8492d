// Keeps the regions of a page as they are on the server: one stream, closed while the tab is hidden. What was typed and where the
// keyboard is stays. Without this script every page is whole, and does not move.
const address = document.body.dataset.live;
const status = document.getElementById('stream');
let stream;

function say(text) {
  if (status && status.textContent !== text) status.textContent = text;
}

/** A region in which somebody is typing or has opened something is left alone until they are done. */
function isInUse(region) {
  const at = document.activeElement;
  return region.contains(at) && at.matches('input, select, textarea');
}

function put({ id, html }) {
  const region = document.getElementById(id);
  if (!region || isInUse(region)) return;
  const focused = region.contains(document.activeElement) ? document.activeElement.id : '';
  const open = [...region.querySelectorAll('details[open][id]')].map((each) => each.id);
  const scrolled = [...region.querySelectorAll('.scroll')].map((each) => each.scrollLeft);
  region.innerHTML = html;
  for (const each of open) document.getElementById(each)?.setAttribute('open', '');
  region.querySelectorAll('.scroll').forEach((each, index) => (each.scrollLeft = scrolled[index] ?? 0));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function open() {
  if (stream || document.hidden) return;
  stream = new EventSource(address);
  stream.addEventListener('open', () => say('Live: changes appear by themselves.'));
  stream.addEventListener('region', (event) => put(JSON.parse(event.data)));
  stream.addEventListener('gone', () => {
    close();
    say('This is not there any more. Load the page again.');
  });
  stream.addEventListener('error', () => say('Not connected: what is shown may be old. Trying again …'));
}

function close() {
  stream?.close();
  stream = undefined;
}

document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
addEventListener('pagehide', close);
addEventListener('pageshow', open);
open();
