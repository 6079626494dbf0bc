// Asks the browser for a way to this device, and sends it as the form of the page. Nothing is asked before the citizen presses.
const form = document.getElementById("push");
const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

function say(name) {
  const line = form.querySelector("[role=status]");
  line.textContent = form.dataset[name];
}

async function subscribed() {
  await navigator.serviceWorker.register(form.dataset.worker, { scope: "/borger/" });
  const registration = await navigator.serviceWorker.ready;
  // what somebody else chose in this browser, or by a key of ours that is no more, ends at its push service too
  const former = await registration.pushManager.getSubscription();
  if (former) await former.unsubscribe();
  return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(form.dataset.key) });
}

async function choose(event) {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    if (await Notification.requestPermission() !== "granted") return say("denied");
    const found = await subscribed();
    form.elements.endepunkt.value = found.endpoint;
    form.elements.modtager.value = text(found.getKey("p256dh"));
    form.elements.hemmelighed.value = text(found.getKey("auth"));
    form.submit();
  } catch {
    say("failed");
  } finally {
    button.disabled = false;
  }
}

if (form && able) {
  form.querySelector("button").disabled = false;
  form.addEventListener("submit", choose);
} else if (form) {
  say("unable");
}
