// Passkeys (WebAuthn level 3): what the server asks for is handed to the browser, its answer back.
// Without this script, or where the browser knows none, the pages work as they stand.
const RENEW = 4 * 60 * 1000; // a challenge holds for five minutes

function bytesOf(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

function textOf(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function post(path, body) {
  const answer = await fetch(`/api/v1${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function written(credential, fields) {
  const response = Object.fromEntries(
    fields
      .filter((name) => credential.response[name])
      .map((name) => [name, textOf(credential.response[name])]),
  );
  return { id: credential.id, rawId: textOf(credential.rawId), type: credential.type, response };
}

async function make() {
  const { publicKey } = await post("/me/passkeys/options");
  const credential = await navigator.credentials.create({
    publicKey: {
      ...publicKey,
      challenge: bytesOf(publicKey.challenge),
      user: { ...publicKey.user, id: bytesOf(publicKey.user.id) },
      excludeCredentials: publicKey.excludeCredentials.map((one) => ({ ...one, id: bytesOf(one.id) })),
    },
  });
  const made = written(credential, ["clientDataJSON", "attestationObject"]);
  made.response.transports = credential.response.getTransports?.() ?? [];
  await post("/me/passkeys", made);
}

async function enter(mediation, signal) {
  const { publicKey } = await post("/session/passkey/options");
  const credential = await navigator.credentials.get({
    publicKey: { ...publicKey, challenge: bytesOf(publicKey.challenge), allowCredentials: [] },
    mediation,
    signal,
  });
  const fields = ["clientDataJSON", "authenticatorData", "signature", "userHandle"];
  await post("/session/passkey", written(credential, fields));
}

const failed = document.getElementById("passkey-failed");
const add = document.getElementById("passkey-add");
const door = document.getElementById("passkey-door");
let waiting = null;

function onClick(button, work) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    failed.hidden = true;
    waiting?.abort();
    try {
      await work();
    } catch {
      failed.hidden = false;
      button.disabled = false;
      offer();
    }
  });
}

// Among what the browser fills the first field with, where it can do that.
async function offer() {
  if (!door || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  waiting = new AbortController();
  const { signal } = waiting;
  const timer = setTimeout(() => {
    waiting.abort();
    offer();
  }, RENEW);
  try {
    await enter("conditional", signal);
    location.assign(door.dataset.next);
  } catch {
    failed.hidden = signal.aborted;
  } finally {
    clearTimeout(timer);
  }
}

if (window.PublicKeyCredential) {
  if (add) {
    add.hidden = false;
    onClick(add, async () => {
      await make();
      location.assign("/account/devices?done=passkey");
    });
  }
  if (door) {
    door.hidden = false;
    onClick(door.querySelector("button"), async () => {
      await enter("optional");
      location.assign(door.dataset.next);
    });
    offer();
  }
} else if (add) {
  document.getElementById("passkey-unable").hidden = false;
}
