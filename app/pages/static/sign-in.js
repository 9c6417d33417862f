// Trades the secret of a link that works once for a session. It stands after the #, so that no
// server log and no Referer ever carries it, and it leaves the address bar at once.
const secret = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const button = document.getElementById("sign-in-now");
const refused = document.getElementById("sign-in-refused");
button.hidden = !secret;

button.addEventListener("click", async () => {
  button.disabled = true;
  const answer = await fetch("/api/v1/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ secret }),
  }).catch(() => null);
  if (answer?.ok) location.assign("/");
  refused.hidden = Boolean(answer?.ok);
  button.disabled = answer !== null;
});
