// Trades the secret of a link that works once for a session. It stands after the #, so that no
// server log and no Referer ever carries it, and it leaves the address bar at once.
let secret = "";
const byLink = document.getElementById("by-link");
const byPassword = document.getElementById("by-password");
const button = document.getElementById("sign-in-now");
const refused = document.getElementById("sign-in-refused");

function take() {
  if (!location.hash) return;
  secret = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  byLink.hidden = false;
  byPassword.hidden = true;
}
take();
addEventListener("hashchange", take);

// Who has roles sets up a second factor first, and shows the one that is there.
function onwards(me) {
  if (me.second_factor === "asked") return "/sign-in/second-factor?next=/account";
  return me.roles.length ? "/account" : "/";
}

button.addEventListener("click", async () => {
  button.disabled = true;
  const answer = await fetch("/api/v1/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ secret }),
  }).catch(() => null);
  if (answer?.ok) location.assign(onwards(await answer.json()));
  refused.hidden = Boolean(answer?.ok);
  byPassword.hidden = Boolean(answer?.ok);
  button.disabled = answer !== null;
});
